#!/bin/sh
# SPDX-License-Identifier: MIT
#
# over_swap.sh [OPTION]... [NAME]... - programs of tests/preload on a machine
# with swap, while the kernel swaps out all it can of them and of the library,
# twice a second.  Options and names are those of tests/preload/run.sh; without
# names, some that fork, move memory, or have the kernel write to it.  Before
# them tests/unit/test_pagemap, which can show little without swap.
#
# Needs root and zram.  The swap is there for the whole machine meanwhile: not
# a part of make check, where others test what is killed without it.

. "$(dirname "$0")/lib.sh"

some='clone_shares_memory daemon_goes_on dontunmap_stored equal_pages
	fork_child_reads fork_from_thread fork_of_fork fork_while_unmapping
	heap_by_brk huge_pages main_thread_ends many_forks
	map_fixed_over_stored memory_compacted mremap_moves munmap_and_reuse
	raw_forks signals_on_stored syscalls_on_stored thread_arenas'

control=/sys/class/zram-control
zram=

at_end()
{
	group_cleanup
	[ -n "$zram" ] || return
	swapoff "/dev/zram$zram" 2>/dev/null
	echo 1 >"/sys/block/zram$zram/reset"
	echo "$zram" >$control/hot_remove
}

swapped()
{
	awk '$1 == "pswpout" { print $2 }' /proc/vmstat
}

swap_out() # GROUP
{
	while :; do
		if [ "$GROUP_VERSION" = 1 ]; then
			echo 0 >"$1/memory.force_empty"
		else
			echo 4G >"$1/memory.reclaim"
		fi 2>/dev/null
		sleep 0.5
	done
}

while getopts l:e:t:pn:w: _; do
	:	# they are run.sh's, up to the names
done
# shellcheck disable=SC2086  # names are words
[ "$OPTIND" -le $# ] || set -- "$@" $some

[ -e $control/hot_add ] || modprobe zram 2>/dev/null
zram=$(cat $control/hot_add 2>/dev/null) || skip 'no zram'
echo 2G >"/sys/block/zram$zram/disksize" || exit 99
mkswap -q "/dev/zram$zram" && swapon "/dev/zram$zram" || exit 99

group_create swapped $((1 << 30)) || exit 99
[ "$GROUP_VERSION" = 1 ] || echo max >"$GROUP_DIR/memory.swap.max"
"$UZ_BUILDDIR/tests/unit/test_pagemap" || exit 1
before=$(swapped)
swap_out "$GROUP_DIR" &
pids=$!
group_run "$GROUP_DIR" "${SHELL:-/bin/sh}" \
	"$UZ_SRCDIR/tests/preload/run.sh" -p "$@"
status=$?
kill $pids
wait $pids 2>/dev/null
pids=
echo "# pages that the kernel swapped out: $(($(swapped) - before))"
exit $status
