#!/bin/sh
# SPDX-License-Identifier: MIT
#
# running.sh - a process that runs already is asked to record, and to stop;
# it records again; and it ends while it is recorded.

# shellcheck source=tests/profile/lib.sh
. "$(dirname "$0")/lib.sh"

needs python3
cat >grow.py <<'END'
import time
kept = [bytearray(1 << 20) for _ in range(128)]
for block in kept:
    block[::4096] = b"x" * 256
print("ready", flush=True)
later = []
while True:
    for block in kept[:32]:
        sum(block[::4096])
    later.append(bytearray(100000))
    del later[:-300]
    time.sleep(0.01)
END
"$zctl" run --set prof_sample=64K -- /usr/bin/python3 grow.py >ready &
pid=$!
pids="$pids $pid"
while ! grep -q ready ready; do
	kill -0 $pid 2>/dev/null || { echo 'grow.py ended'; exit 1; }
	sleep 0.1
done

# of one that does not record nothing is there at once
expect 1 'has recorded nothing so far' "$zctl" profile -d 0 $pid
expect 1 'has recorded nothing so far' "$zctl" forecast -d 0 $pid
expect 2 'needs a process' "$zctl" profile --stop /nonexistent

for round in first second; do
	expect 0 'CALL SITE' "$zctl" profile -d 8s -o $round $pid
	"$zctl" profile --format json $round >summary || fault "$round: json"
	python3 - summary <<'END' || fault "the $round recording: no memory"
import json
import sys
s = json.load(open(sys.argv[1]))
print("resident %d MiB, %d samples, %d asked for, alive %d KiB" % (
    s["resident"] >> 20, s["samples"], s["asked"],
    sum(site["alive_bytes"] for site in s["sites"]) >> 10))
assert s["resident"] > 0	# what was registered so far: time will tell
assert s["samples"] > 0 and s["asked"] > 0
END
	# it was asked to stop
	expect 1 'has recorded nothing so far' "$zctl" profile -d 0 $pid
done
expect 0 'FAULTS/s' "$zctl" forecast -d 3s $pid
"$zctl" profile --stop $pid || fault "--stop: status $?"
kill -0 $pid || fault 'it ended'

# ends while it is recorded: what was seen is shown, and soon
"$zctl" profile -d 10m --view ages $pid >last 2>&1 &
watcher=$!
sleep 4
kill $pid
wait $watcher || fault "a process that ends: status $?: $(cat last)"
grep -q 'IDLE AT LEAST' last || fault "a process that ended: $(cat last)"

finish
