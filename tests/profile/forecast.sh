#!/bin/sh
# SPDX-License-Identifier: MIT
#
# forecast.sh [MIB [SECONDS]] - a forecast against what then happens: the cold
# memory of known_sites is forecast, then stored by `zctl reclaim`, and what
# that saves is within 10 % of what was said.

# shellcheck source=tests/profile/lib.sh
. "$(dirname "$0")/lib.sh"

mib=${1:-48}
seconds=${2:-10}

needs python3
compile known_sites known_sites.c
mkfifo in || exit 99

start() # OPTION...: known_sites, until it has all its memory
{
	"$zctl" run "$@" -- ./known_sites "$mib" 4 <in >truth 2>err &
	pid=$!
	pids="$pids $pid"
	exec 3>in
	while ! grep -q sum truth; do
		kill -0 $pid 2>/dev/null || { cat err; exit 1; }
		sleep 0.2
	done
}

end()
{
	echo >&3
	exec 3>&-
	wait $pid || { echo "known_sites: status $?"; exit 1; }
}

# where no page can be watched, nothing is made up
start --set engine=wp
expect 1 'needs engine move' "$zctl" forecast -d 1s $pid
end
[ "$faults" = 0 ] || finish
"$zctl" doctor | grep -q ' MOVE, ' || skip 'no UFFDIO_MOVE'

start
"$zctl" forecast --json -d "${seconds}s" --age "$((seconds / 3))s" $pid \
	>forecast || exit 1
# what is in use comes back at once
"$zctl" reclaim $pid 100% >reclaimed 2>&1
sleep 2
"$zctl" stats --json $pid >stats || exit 1
end
cat reclaimed
python3 - forecast stats <<'END'
import json
import sys

forecast = json.load(open(sys.argv[1]))
said = forecast["ages"][0]
real = json.load(open(sys.argv[2]))
if not 0 < forecast["resident_bytes"] < 1.1 * forecast["process_resident_bytes"]:
    print("more is watched than resident:", forecast)
    sys.exit(1)
print("ages are true to %d ms" % forecast["slack_ms"])
saved = real["stored_bytes"] - real["pool_bytes"]
for name, a, b in (("stored", said["stored_bytes"], real["stored_bytes"]),
                   ("pool", said["pool_bytes"], real["pool_bytes"]),
                   ("saved", said["saved_bytes"], saved)):
    print("%-7s forecast %8d KiB, then %8d KiB, %+5.1f %%" %
          (name, a >> 10, b >> 10, 100 * (a - b) / b if b else 0))
if abs(said["saved_bytes"] - saved) > 0.1 * saved:
    if forecast["slack_ms"] > said["idle_ms"] / 2:
        print("SKIP: the machine is too busy to tell ages")
        sys.exit(77)
    sys.exit(1)
END
