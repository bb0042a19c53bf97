# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# lib.sh - the head of the scripts here, to be sourced: $zctl is the one that
# was built, with the real library; $work the current folder; and
#
#	compile NAME SOURCE [FLAG]...

# shellcheck source=tests/lib/script.sh
. "$(dirname "$0")/../lib/script.sh"

zctl=$UZ_BUILDDIR/zctl

compile()
{
	name=$1
	source=$2
	shift 2
	# shellcheck disable=SC2086  # CC may have arguments
	$CC -std=gnu11 -O1 -g "$@" -o "$name" "$here/$source" || exit 99
}

[ -x "$zctl" ] || broken "$zctl: not built"
[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'no library'
"$zctl" run --require --dry-run true >/dev/null 2>&1 ||
	skip 'no userfaultfd'
"$zctl" doctor 2>/dev/null | grep -q 'engine  *move' ||
	skip 'ages of memory need engine move, Linux 6.8 or later'
# The programs here mostly sleep, and are looked at as if they were busy.
export UZSWAP_PROF_COST_PERCENT=10
cd "$work" || exit 99
