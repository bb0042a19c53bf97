# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# setup.sh - what ./check and ./demo share: install what is missing, build
# out of tree.  To be sourced from the top of the sources; POSIX sh only.
#
#	. tests/lib/setup.sh
#	setup_packages build test	# or demo
#	setup_build DIR [CONFIGURE-OPTION]...	# sets ZCTL
#
# Packages are asked of apt-get only when what they bring is not there, and
# only by root.  Servers that come with packages are not started: while
# packages are installed, invoke-rc.d is told so by /usr/sbin/policy-rc.d.
#
# Environment: JOBS, number of compilers at a time.

exec </dev/null
LC_ALL=C
export LC_ALL

SETUP_POLICY=/usr/sbin/policy-rc.d
SETUP_MARK='made by uzswap setup.sh, to be removed'
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 2)}

# What is needed, as "test:package"; a test with a slash is a file, one with
# an equals sign a pkg-config module, else a command.
SETUP_BUILD='gcc:gcc make:make autoconf:autoconf automake:automake
libtoolize:libtool pkg-config:pkg-config file:file
/usr/include/stdio.h:libc6-dev /usr/include/linux/userfaultfd.h:linux-libc-dev
=liblz4:liblz4-dev =libzstd:libzstd-dev =smartcols:libsmartcols-dev
=jansson:libjansson-dev =ncursesw:libncurses-dev =inih:libinih-dev
=libmicrohttpd:libmicrohttpd-dev =libcap-ng:libcap-ng-dev
=libdw:libdw-dev =libelf:libelf-dev =zlib:zlib1g-dev
=libprotobuf-c:libprotobuf-c-dev protoc-c:protobuf-c-compiler'
SETUP_TEST='=cmocka:libcmocka-dev objdump:binutils groff:groff-base
shellcheck:shellcheck tmux:tmux promtool:prometheus curl:curl
musl-gcc:musl-tools setcap:libcap2-bin
=libseccomp:libseccomp-dev redis-server:redis-server redis-cli:redis-tools
node:nodejs /usr/bin/python3:python3 sqlite3:sqlite3'
SETUP_DEMO='redis-server:redis-server redis-cli:redis-tools
/usr/bin/python3:python3'

setup_has()
{
	case $1 in
	/*) [ -e "$1" ] ;;
	=*) pkg-config --exists "${1#=}" 2>/dev/null ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

# Print the packages of list $1 that are missing.
setup_missing()
{
	for sm_pair in $1; do
		setup_has "${sm_pair%:*}" || echo "${sm_pair##*:}"
	done
}

setup_no_services()
{
	if [ -e $SETUP_POLICY ]; then
		grep -q "$SETUP_MARK" $SETUP_POLICY || return 0
	fi
	printf '#!/bin/sh\n# %s\nexit 101\n' "$SETUP_MARK" >$SETUP_POLICY &&
		chmod 755 $SETUP_POLICY
}

setup_services_again()
{
	if grep -q "$SETUP_MARK" $SETUP_POLICY 2>/dev/null; then
		rm -f $SETUP_POLICY
	fi
}

setup_apt()
{
	trap setup_services_again EXIT
	trap 'exit 130' INT TERM HUP
	setup_no_services
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	apt-get -qq update &&
		apt-get -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends \
			install "$@"
	sa_status=$?
	setup_services_again
	trap - EXIT INT TERM HUP
	return $sa_status
}

# setup_packages build|test|demo...: install what is missing, or say so.
setup_packages()
{
	sp_list=
	for sp_kind in "$@"; do
		case $sp_kind in
		build) sp_list="$sp_list $SETUP_BUILD" ;;
		test) sp_list="$sp_list $SETUP_TEST" ;;
		demo) sp_list="$sp_list $SETUP_DEMO" ;;
		esac
	done
	sp_missing=$(setup_missing "$sp_list" | sort -u)
	[ -n "$sp_missing" ] || return 0
	# shellcheck disable=SC2086  # packages are words
	set -- $sp_missing
	if ! command -v apt-get >/dev/null; then
		echo "please install what these Debian packages have: $*"
		return 0
	fi
	if [ "$(id -u)" != 0 ]; then
		echo "please install, as root: apt-get install $*"
		return 0
	fi
	echo "installing $*"
	setup_apt "$@"
}

# setup_build DIR [CONFIGURE-OPTION]...: configure and make in DIR.
setup_build()
{
	mkdir -p "$1" || return 1
	sb_source=$(pwd)
	sb_build=$(cd "$1" && pwd) || return 1
	shift
	if [ ! -e configure ]; then
		./autogen.sh >"$sb_build/autogen.log" 2>&1 || {
			cat "$sb_build/autogen.log"
			return 1
		}
	fi
	# make runs configure again by itself, but for other options
	if [ ! -e "$sb_build/Makefile" ] ||
	   [ "$(cat "$sb_build/options" 2>/dev/null)" != "$*" ]; then
		(cd "$sb_build" && "$sb_source/configure" -q "$@") || return 1
		echo "$*" >"$sb_build/options"
	fi
	make -C "$sb_build" -s -j"$JOBS" || return 1
	ZCTL=$sb_build/zctl
}
