# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# lib.sh - the head of the scripts here, to be sourced: $src, $top, $zctl;
# $work, an empty folder and the current one, removed at the end; and
#
#	needs COMMAND...	skip without them
#	compile NAME SOURCE [FLAG]...
#	fault WORDS...		say it and count it in $faults
#	expect STATUS TEXT COMMAND...

src=${UZ_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
top=$(cd "${UZ_BUILDDIR:-$src}" && pwd)
zctl=$top/zctl
faults=0

needs()
{
	for need in "$@"; do
		command -v "$need" >/dev/null ||
			{ echo "SKIP: no $need"; exit 77; }
	done
}

compile()
{
	name=$1
	source=$2
	shift 2
	${CC:-cc} -std=gnu11 -O1 -g "$@" -o "$name" \
		"$src/tests/profile/$source" || exit 99
}

fault()
{
	echo "$*"
	faults=$((faults + 1))
}

expect()
{
	status=$1
	text=$2
	shift 2
	"$@" >out 2>&1 </dev/null
	got=$?
	[ $got = "$status" ] || fault "$*: status $got: $(head -n 3 out)"
	grep -qF -e "$text" out || fault "$*: no '$text' in: $(cat out)"
}

[ -x "$zctl" ] || { echo "$zctl: not built"; exit 99; }
[ -e "$top/.libs/libuzswap.so.0" ] || { echo 'SKIP: no library'; exit 77; }
"$zctl" run --require --dry-run true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd'; exit 77; }
work=$(mktemp -d) || exit 99
trap 'cd / && rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work" || exit 99
