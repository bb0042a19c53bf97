# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# group.sh - memory cgroups for tests, version 1 or 2, whichever has the
# memory controller.  To be sourced; POSIX sh only.
#
#	. tests/lib/group.sh
#	group_probe || { echo "SKIP: $GROUP_WHY"; exit 77; }
#	trap group_cleanup EXIT
#	trap 'exit 130' INT TERM HUP
#	group_create small $((200 << 20))	# sets GROUP_DIR
#	group_run "$GROUP_DIR" COMMAND ARG...
#	echo "$(group_max "$GROUP_DIR") $(group_oom_kills "$GROUP_DIR")"
#	group_remove "$GROUP_DIR"
#
# Groups are made below the group this shell is in, or (version 2, where a
# group with processes in it cannot have controlled children) below the
# nearest ancestor that may have them.  Names carry the process number.
# group_cleanup removes whatever is left, after ending the processes still in
# it: only what was started there is ever in there.
#
# Swap: version 2 sets memory.swap.max to 0.  Version 1 has no such switch
# (memsw is set equal to the limit where the kernel has it).
# Version 1 charges page cache to the group that touched the file first: a
# maximum at the limit with fail count > 0 and no OOM kill may be page cache.

GROUP_VERSION=0
GROUP_BASE=
GROUP_WHY='group_probe was not called'
GROUP_DIR=
GROUP_ALL=
GROUP_SERIAL=0
GROUP_LIB=${GROUP_LIB:-$(dirname "$0")/../lib}

# The mount point of the first v1 hierarchy with the controller $1, or of v2.
group_mount()
{
	if [ "$1" = v2 ]; then
		awk '{ for (i = 7; i < NF; i++)
			if ($i == "-" && $(i + 1) == "cgroup2") {
				print $5; exit } }' /proc/self/mountinfo
	else
		awk -v c="$1" '{ for (i = 7; i < NF; i++)
			if ($i == "-" && $(i + 1) == "cgroup" &&
			    ("," $NF ",") ~ ("," c ",")) {
				print $5; exit } }' /proc/self/mountinfo
	fi
}

# Our own path in the v1 hierarchy $1, or in v2.
group_own()
{
	if [ "$1" = v2 ]; then
		sed -n 's/^0:://p' /proc/self/cgroup
	else
		awk -F: -v c="$1" '("," $2 ",") ~ ("," c ",") { print $3 }' \
			/proc/self/cgroup
	fi
}

# Find out where groups can be made.  Returns 1 and says why in GROUP_WHY.
group_probe()
{
	GROUP_VERSION=0
	if [ "$(id -u)" != 0 ]; then
		GROUP_WHY='making a memory cgroup needs root'
		return 1
	fi
	gp_mount=$(group_mount memory)
	if [ -n "$gp_mount" ]; then
		gp_dir=$gp_mount$(group_own memory)
		[ -d "$gp_dir" ] || gp_dir=$gp_mount
		if [ -w "$gp_dir/cgroup.procs" ]; then
			GROUP_VERSION=1
			GROUP_BASE=${gp_dir%/}
			GROUP_WHY=
			return 0
		fi
		GROUP_WHY="$gp_dir is not writable"
		return 1
	fi
	gp_mount=$(group_mount v2)
	if [ -z "$gp_mount" ]; then
		GROUP_WHY='no cgroup hierarchy with a memory controller'
		return 1
	fi
	gp_dir=$gp_mount$(group_own v2)
	[ -d "$gp_dir" ] || gp_dir=$gp_mount
	group_probe_v2 "${gp_mount%/}" "${gp_dir%/}"
}

# Walk up from $2 to the mount $1 until children can have memory limits.
group_probe_v2()
{
	gp_up=$2
	while :; do
		if grep -qw memory "$gp_up/cgroup.controllers" 2>/dev/null; then
			{ echo +memory >"$gp_up/cgroup.subtree_control"; } \
				2>/dev/null || :
			if grep -qw memory "$gp_up/cgroup.subtree_control"
			then
				GROUP_VERSION=2
				GROUP_BASE=$gp_up
				GROUP_WHY=
				return 0
			fi
		fi
		[ "$gp_up" = "$1" ] && break
		gp_up=${gp_up%/*}
	done
	GROUP_WHY='cgroup v2 gives no group here a memory controller'
	return 1
}

# group_create NAME BYTES: a new group with that limit; sets GROUP_DIR.
# Not in a subshell: the name must be remembered for group_cleanup.
group_create()
{
	[ "$GROUP_VERSION" != 0 ] || return 1
	GROUP_SERIAL=$((GROUP_SERIAL + 1))
	GROUP_DIR=$GROUP_BASE/uztest-$$-$GROUP_SERIAL-$1
	mkdir "$GROUP_DIR" || return 1
	GROUP_ALL="$GROUP_ALL $GROUP_DIR"
	if [ "$GROUP_VERSION" = 1 ]; then
		echo "$2" >"$GROUP_DIR/memory.limit_in_bytes" || return 1
		if [ -e "$GROUP_DIR/memory.memsw.limit_in_bytes" ]; then
			echo "$2" >"$GROUP_DIR/memory.memsw.limit_in_bytes" ||
				return 1
		fi
	else
		echo "$2" >"$GROUP_DIR/memory.max" || return 1
		if [ -e "$GROUP_DIR/memory.swap.max" ]; then
			echo 0 >"$GROUP_DIR/memory.swap.max" || return 1
		fi
	fi
}

# group_run DIR COMMAND [ARG]...: run it there, return its exit status.
group_run()
{
	sh "$GROUP_LIB/in_group.sh" "$@"
}

# One number of group $1: file name for v1 $2, for v2 $3.
group_number()
{
	if [ "$GROUP_VERSION" = 1 ]; then
		cat "$1/$2" 2>/dev/null || echo 0
	else
		cat "$1/$3" 2>/dev/null || echo 0
	fi
}

group_limit() { group_number "$1" memory.limit_in_bytes memory.max; }
group_usage() { group_number "$1" memory.usage_in_bytes memory.current; }
group_max() { group_number "$1" memory.max_usage_in_bytes memory.peak; }

# Processes killed for want of memory in group $1.
group_oom_kills()
{
	if [ "$GROUP_VERSION" = 1 ]; then
		gk_file=$1/memory.oom_control
	else
		gk_file=$1/memory.events
	fi
	awk '$1 == "oom_kill" { n = $2 } END { print n + 0 }' "$gk_file"
}

# How often group $1 ran into its limit.
group_fails()
{
	if [ "$GROUP_VERSION" = 1 ]; then
		cat "$1/memory.failcnt" "$1/memory.memsw.failcnt" \
			2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
	else
		awk '$1 == "max" { n = $2 } END { print n + 0 }' \
			"$1/memory.events"
	fi
}

# End what still runs in group $1 and remove it.
group_remove()
{
	[ -d "$1" ] || return 0
	gr_try=0
	while ! rmdir "$1" 2>/dev/null; do
		gr_try=$((gr_try + 1))
		if [ "$gr_try" -gt 100 ]; then
			echo "group.sh: cannot remove $1" >&2
			return 1
		fi
		while read -r gr_pid; do
			kill -9 "$gr_pid" 2>/dev/null
		done <"$1/cgroup.procs"
		sleep 0.1
	done
	return 0
}

# Remove every group made here; for `trap group_cleanup EXIT`.
group_cleanup()
{
	for gc_dir in $GROUP_ALL; do
		group_remove "$gc_dir"
	done
	GROUP_ALL=
}
