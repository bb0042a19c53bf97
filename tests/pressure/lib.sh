# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# lib.sh - what the tests of pressure share; to be sourced.
#
# They need root, a memory controller, and the real library, and make memory
# groups of their own.  $zctl is the one that was built, $work a directory.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
UZ_SRCDIR=${UZ_SRCDIR:-$(cd "$here/../.." && pwd)}
UZ_BUILDDIR=$(cd "${UZ_BUILDDIR:-$UZ_SRCDIR}" && pwd) || exit 99
CC=${CC:-cc}
PY=/usr/bin/python3
zctl=$UZ_BUILDDIR/zctl
GROUP_LIB=$here/../lib
# shellcheck source=../lib/group.sh
. "$GROUP_LIB/group.sh"
unset LD_PRELOAD
for name in $(env | sed -n 's/^\(UZSWAP_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done

skip()
{
	echo "SKIP: $*"
	exit 77
}

work=$(mktemp -d "${TMPDIR:-/tmp}/uzpressure.XXXXXX") || exit 99
end_all()
{
	group_cleanup
	rm -rf "$work"
}
trap end_all EXIT
trap 'exit 130' INT TERM HUP

[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'the library was not built'
[ -x "$PY" ] || skip 'python3 is not installed'
group_probe || skip "$GROUP_WHY"

# compile NAME: NAME.c of this folder to $work/NAME
compile()
{
	# shellcheck disable=SC2086  # CC may have arguments
	$CC -std=gnu11 -O2 -Wall -Wextra -o "$work/$1" "$here/$1.c" || exit 99
}
