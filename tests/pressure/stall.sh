#!/bin/sh
# SPDX-License-Identifier: MIT
#
# stall.sh - the kernel's own trigger of /proc/pressure/memory fires while
# others wait for memory, and a program that has room by every number stores
# its memory for it, which is right when it comes back.
#
# Waiting is made by two readers of a file that does not fit into their group.
# The trigger counts only where little is available: the program sees another
# /proc/meminfo, mounted over that file in a namespace of its own, by which a
# tenth is.

. "$(dirname "$0")/lib.sh"

[ -w /proc/pressure/memory ] || skip 'the kernel has no /proc/pressure/memory'
[ "$(stat -f -c %T "$UZ_BUILDDIR")" != tmpfs ] ||
	skip 'the build tree is in memory: reading a file there waits for none'
awk '$1 == "MemTotal:" { total = $2 }
	$1 == "MemAvailable:" { $2 = int(total / 10) } { print }' \
	/proc/meminfo >"$work/meminfo"
cat >"$work/inside" <<'END'
mount --bind "$1" /proc/meminfo || exit 99
shift
exec "$@"
END
unshare -m sh "$work/inside" "$work/meminfo" true 2>/dev/null ||
	skip 'nothing can be mounted'

at_end()
{
	group_cleanup
	rm -f "$UZ_BUILDDIR/stall$$".[12]
}

cat >"$work/holds.py" <<'END'
import sys, zlib
data = b"".join(b"%015d\n" % (n * 7919) for n in range(1 << 16)) * 96
sum = zlib.crc32(data)
print("filled", flush=True)
sys.stdin.readline()
sys.exit(zlib.crc32(data) != sum)
END
cat >"$work/reads.py" <<'END'
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
for _ in range(64):
    os.write(fd, bytes(1 << 20))
os.fsync(fd)
while True:
    for at in range(0, 64 << 20, 1 << 18):
        os.pread(fd, 1 << 18, at)
END
mkfifo "$work/go" || exit 99
unshare -m sh "$work/inside" "$work/meminfo" "$zctl" run --require \
	--name "stall$$" "$PY" "$work/holds.py" \
	<"$work/go" >"$work/said" &
program=$!
pids="$pids $program"
exec 3>"$work/go"
group_create stall $((16 << 20)) || exit 99

# look: what the program's counters say now
look()
{
	"$zctl" stats --counters --raw --noheadings "$program" >"$work/out"
	stalls=$(sed -n 's/^stalls \([0-9]*\) .*/\1/p' "$work/out")
	evicted=$(sed -n 's/^evicted \([0-9]*\) .*/\1/p' "$work/out")
}

# soon COMMAND...: within a minute
soon()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.2
	done
}

has_filled()
{
	grep -q filled "$work/said"
}

has_stored()
{
	look
	[ "${stalls:-0}" -gt 0 ] && [ "${evicted:-0}" -gt 0 ]
}

soon has_filled || { echo 'the program does not start'; exit 99; }
look
[ "$stalls" -gt 0 ] || [ "$evicted" = 0 ] || {
	echo "$evicted pages evicted, though nobody waits"
	exit 1
}
for n in 1 2; do
	group_run "$GROUP_DIR" "$PY" "$work/reads.py" \
		"$UZ_BUILDDIR/stall$$.$n" &
done
soon has_stored
stored=$?
group_remove "$GROUP_DIR"
[ $stored = 0 ] || {
	echo "$stalls stalls, $evicted pages evicted: $(cat /proc/pressure/memory)"
	exit 1
}
echo "$stalls stalls, $evicted pages evicted"
echo >&3
wait "$program" || { echo "the program: status $?"; exit 1; }
