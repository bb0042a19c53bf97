# SPDX-License-Identifier: MIT
"""Compare a profile's summary with what known_sites says of itself.

    check_accuracy.py SUMMARY TRUTH [MS]

Prints a table, and exits with 1 if a site's cold bytes are more than 5 %
off, or an age is not right: at least its idle_ms, and at most MS more, or,
without MS, what the summary says itself: slack_ms.  (Without MS only that of
site_late: what was not used since it began to be watched, some time after the
start, may be idle for longer.)

How exactly ages are known depends on the CPU time the recorder got.  If the
summary itself says that it could not tell a site from a hot one, that site
proves nothing, and it exits with 77.
"""
import json
import sys

SHARE = 0.05
CLOCK = 20  # ms: a page is taken out a moment after the time noted

with open(sys.argv[1], encoding="utf-8") as f:
    summary = json.load(f)
truth = {}
with open(sys.argv[2], encoding="utf-8") as f:
    for line in f:
        words = line.split()
        if len(words) == 4:
            truth[words[0]] = [int(word) for word in words[1:]]

exact_ms = int(sys.argv[3]) if len(sys.argv) > 3 else None
now = summary["clock_ms"]
cold_ms = summary["cold_ms"]
found = {}
for site in summary["sites"]:
    names = [frame["function"] for frame in site["stack"]]
    for name in truth:
        if name in names:
            sums = found.setdefault(name, [0, 0, 0, 0])
            sums[0] += site["cold_bytes"]
            sums[1] += site["idle_ms"] * site["cold_bytes"]
            sums[2] += site["alive_bytes"]
            sums[3] += site["slack_ms"] * site["alive_bytes"]

bad = blurred = 0
print("%-12s %9s %9s %7s %9s %9s %15s" % (
    "SITE", "COLD-KIB", "TRUE-KIB", "OFF", "IDLE-MS", "SLACK-MS", "TRUE-MS"))
for name, (size, first, last) in truth.items():
    cold, idle, alive, slack = found.get(name, [0, 0, 0, 0])
    idle = idle / cold if cold else 0
    slack = slack / alive if alive else 0
    least, most = (now - last, now - first) if last else (0, 0)
    want = size if least >= cold_ms else 0
    off = (cold - want) / size
    verdict = ""
    if idle > most + CLOCK:
        verdict = "WRONG: it was used later"
    elif cold and exact_ms is not None and least - CLOCK > idle + exact_ms:
        verdict = "WRONG: it was not used so late"
    elif name == "site_late" and cold and least - CLOCK > idle + slack:
        verdict = "WRONG: it was not used so late"
    elif off < -SHARE and alive and 2 * slack > least - cold_ms:
        verdict = "BLURRED"
    elif abs(off) > SHARE:
        verdict = "WRONG"
    bad += verdict.startswith("WRONG")
    blurred += verdict == "BLURRED"
    print("%-12s %9d %9d %6.1f%% %9d %9d %7d..%-7d %s" % (
        name, cold / 1024, want / 1024, 100 * off, idle, slack, least, most,
        verdict))
print("recorded %d ms, a round takes %d ms, ages are true to %d ms" % (
    summary["lasted_ms"], summary["round_ms"], summary["slack_ms"]))
print("%d pages asked for; %d ms of CPU for watching" % (
    summary["asked"], summary["sampler_ns"] / 1e6))
if blurred and not bad:
    print("SKIP: the machine is too busy to tell what was used %d ms ago"
          % cold_ms)
    sys.exit(77)
sys.exit(bad > 0)
