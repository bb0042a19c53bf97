# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# script.sh - what scripts that try zctl and real programs share; to be
# sourced by the lib.sh of their folder.
#
# $here is the folder of the script, $UZ_SRCDIR and $UZ_BUILDDIR are absolute,
# $work is a folder of its own.  At the end processes in $pids are killed and
# $work is removed, after at_end, which a script may define.
#
#   needs COMMAND...		skip without them
#   skip WHY, broken WHY	the end
#   fault WORDS...		say it, and go on
#   expect STATUS TEXT COMMAND...
#   contains TEXT, lacks TEXT	of the output of the last expect
#   finish			the verdict

here=$(cd "$(dirname "$0")" && pwd) || exit 99
UZ_SRCDIR=$(cd "${UZ_SRCDIR:-$here/../..}" && pwd) || exit 99
UZ_BUILDDIR=$(cd "${UZ_BUILDDIR:-$UZ_SRCDIR}" && pwd) || exit 99
CC=${CC:-cc}

unset LD_PRELOAD
for name in $(env | sed -n 's/^\(UZSWAP_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done

# users without rights must get there too, so not below a private TMPDIR
work=$(mktemp -d /tmp/uzswap-test.XXXXXX) || exit 99
chmod 755 "$work"
pids=
faults=0

at_end()
{
	:
}

clean_up()
{
	for p in $pids; do
		kill -9 "$p" 2>/dev/null
	done
	at_end
	cd / && rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

broken()
{
	echo "$*"
	exit 99
}

skip()
{
	echo "SKIP: $*"
	exit 77
}

needs()
{
	for need in "$@"; do
		command -v "$need" >/dev/null || skip "no $need"
	done
}

fault()
{
	echo "$*"
	faults=$((faults + 1))
}

# expect STATUS TEXT COMMAND...: TEXT is in the output, "" is no output,
# "*" any.  The output stays in $work/out.
expect()
{
	status=$1
	text=$2
	shift 2
	"$@" >"$work/out" 2>&1 </dev/null
	got=$?
	[ "$got" = "$status" ] ||
		fault "$*: status $got, not $status: $(head -n 3 "$work/out")"
	grep -q -e AddressSanitizer -e 'runtime error' "$work/out" &&
		fault "$*: $(cat "$work/out")"
	case $text in
	'') [ ! -s "$work/out" ] || fault "$*: output: $(cat "$work/out")" ;;
	'*') ;;
	*)
		grep -qF -e "$text" "$work/out" ||
			fault "$*: no '$text' in: $(cat "$work/out")" ;;
	esac
}

# contains TEXT, lacks TEXT: the output of the last expect
contains()
{
	grep -qF -e "$1" "$work/out" || fault "no '$1' in: $(cat "$work/out")"
}

lacks()
{
	! grep -qF -e "$1" "$work/out" || fault "'$1' in: $(cat "$work/out")"
}

finish()
{
	[ "$faults" = 0 ] && exit 0
	echo "$faults faults"
	exit 1
}
