# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# lib.sh - what the tests of zctl share; to be sourced.
#
# Makes a directory of its own, $work, with a copy of zctl beside a library
# that does nothing (in .libs, where zctl looks first): these tests are about
# the tool, and work where the real library is not built.
#
#   fake MODE                       start tests/tools/fake_target: $pid
#   wait_for COMMAND                until it succeeds, 20 s at most

# shellcheck source=tests/lib/script.sh
. "$(dirname "$0")/../lib/script.sh"

export LC_ALL=C TERM=dumb

# a zctl built with a sanitizer is also run below one, with a preload
export ASAN_OPTIONS=verify_asan_link_order=0

cd "$work" || exit 99
[ -x "$UZ_BUILDDIR/zctl" ] || broken "$UZ_BUILDDIR/zctl: not built"
mkdir "$work/.libs"
cp "$UZ_BUILDDIR/zctl" "$work/zctl"
zctl=$work/zctl
library=$work/.libs/libuzswap.so.0
# shellcheck disable=SC2086 # CC may have arguments
echo 'int uzswap_stub;' |
	$CC -shared -fPIC -nostdlib -x c -o "$library" - ||
	broken 'no stub library'
chmod 755 "$zctl" "$library" "$work/.libs"

wait_for()
{
	n=0
	until eval "$1"; do
		n=$((n + 1))
		[ $n -lt 200 ] || return 1
		sleep 0.1
	done
}

# compile_c NAME: stdin to $work/NAME, with the remaining arguments
compile_c()
{
	name=$1
	shift
	# shellcheck disable=SC2086
	$CC -x c -o "$work/$name" - "$@"
}

# names that no other test has at the same time
label=label$$
comm=fake_$$

build_fake()
{
	# shellcheck disable=SC2086
	$CC -std=gnu11 -I"$UZ_SRCDIR/include" -o "$work/$comm" \
		"$UZ_SRCDIR/tests/tools/fake_target.c" ||
		broken 'no fake target'
}

# fake MODE [COMMAND...]: sets pid; its names are $comm and $label.  Through COMMAND, which must exec it
fake()
{
	mode=$1
	shift
	rm -f "$work/pid"
	"$@" "$work/$comm" "$mode" "$label" >"$work/pid" &
	pids="$pids $!"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		if [ -s "$work/pid" ]; then
			pid=$(cat "$work/pid")
			pids="$pids $pid"
			return
		fi
		sleep 0.1
	done
	broken 'fake target did not start'
}

end_fake()
{
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
