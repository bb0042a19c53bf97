#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bounds.sh - more call stacks and allocations than there is room for: fewer
# are sampled, what finds no room is counted, and what is recorded stays
# below 64 MiB, in memory and as a file.
#
# The counters are published ten times a second by a thread of ours; if that
# got no CPU before the program ended, there is another try, and then a skip.

[ -n "$BOUNDS_TRY" ] || for try in 1 2 3; do
	BOUNDS_TRY=$try sh "$0" "$@"
	status=$?
	[ $status = 3 ] || exit $status
done
[ -n "$BOUNDS_TRY" ] ||
	{ echo 'SKIP: no CPU left for publishing, three times'; exit 77; }

# shellcheck source=tests/profile/lib.sh
. "$(dirname "$0")/lib.sh"

needs python3 zcat
compile many_sites many_sites.c -fno-optimize-sibling-calls
# as much as it takes: or else, half as many after a while, and so on
UZSWAP_PROF_COST_PERCENT=100 UZSWAP_PROF_SAMPLE_BYTES=1K \
	"$zctl" run --set prof=1 -- \
	./many_sites 131072 >log 2>&1 &
pid=$!
pids="$pids $pid"
len=
while kill -0 $pid 2>/dev/null; do
	now=$(python3 - $pid 2>/dev/null <<'END'
import sys
for line in open("/proc/%s/maps" % sys.argv[1]):
    if "uzswap:prof" in line:
        start, end = line.split()[0].split("-")
        print(int(end, 16) - int(start, 16))
END
	)
	len=${now:-$len}
	[ -z "$len" ] || [ -n "$recorded" ] || {
		recorded=yes
		"$zctl" profile -d 10m -o rec --format json $pid >summary ||
			fault "profile: status $?"
	}
	sleep 0.2
done
wait $pid || fault "many_sites: status $?: $(cat log)"
[ "${len:-99999999}" -lt 67108864 ] || fault "the page has ${len:-no} bytes"
[ "$(zcat rec | wc -c)" -lt 67108864 ] || fault 'the file is too long'
expect 0 'found no room in the tables' "$zctl" profile rec
python3 - summary <<'END'
import json
import sys
s = json.load(open(sys.argv[1]))
alive = sum(site["alive_bytes"] for site in s["sites"])
print("%d sites, %d samples, %d lost, one in %d bytes; alive %d MiB" % (
    len(s["sites"]), s["samples"], s["lost"], s["interval"], alive >> 20))
if not s["samples"]:
    sys.exit(3)
assert s["lost"] > 0 and len(s["sites"]) > 10000
END
status=$?
[ $status != 3 ] || exit 3
[ $status = 0 ] || fault 'tables'

# which takes half of its time, and then less: long enough for several steps,
# as it is sampled more again while the program sleeps at its end
UZSWAP_PROF_COST_PERCENT=20 UZSWAP_PROF_SAMPLE_BYTES=1K \
	"$zctl" profile run --format json -- \
	./many_sites 262144 >summary || fault "profile run: status $?"
python3 - summary <<'END' || fault 'sampling costs what it likes'
import json
import sys
s = json.load(open(sys.argv[1]))
print("%d samples took %d ms, one in %d bytes by now" % (
    s["samples"], s["unwind_ns"] / 1e6, s["interval"]))
assert s["interval"] > 1024
END

finish
