# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# lib.sh - what the tests of pressure share; to be sourced.
#
# They need root, a memory controller, and the real library, and make memory
# groups of their own.  $zctl is the one that was built.

# shellcheck source=tests/lib/script.sh
. "$(dirname "$0")/../lib/script.sh"

PY=/usr/bin/python3
zctl=$UZ_BUILDDIR/zctl
GROUP_LIB=$UZ_SRCDIR/tests/lib
# shellcheck source=tests/lib/group.sh
. "$GROUP_LIB/group.sh"

at_end()
{
	group_cleanup
}

[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'the library was not built'
[ -x "$PY" ] || skip 'python3 is not installed'
group_probe || skip "$GROUP_WHY"

# compile NAME: NAME.c of this folder to $work/NAME
compile()
{
	# shellcheck disable=SC2086  # CC may have arguments
	$CC -std=gnu11 -O2 -Wall -Wextra -o "$work/$1" "$here/$1.c" || exit 99
}
