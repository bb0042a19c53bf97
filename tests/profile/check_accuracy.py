# SPDX-License-Identifier: MIT
"""Compare a profile's summary with what known_sites says of itself.

    check_accuracy.py SUMMARY TRUTH

Prints a table, and exits with 1 if a site's cold bytes are more than 5 %
off, or an age more than one sampling period.  What was idle before it began
to be watched, a few seconds after the start, is known to be idle since then
only.
"""
import json
import sys

SHARE = 0.05

with open(sys.argv[1], encoding="utf-8") as f:
    summary = json.load(f)
truth = {}
with open(sys.argv[2], encoding="utf-8") as f:
    for line in f:
        words = line.split()
        if len(words) == 3:
            truth[words[0]] = (int(words[1]), int(words[2]))

cold_ms = summary["cold_ms"]
period = max(summary["round_ms"], 1000) + 1100  # the page is a second old
found = {}
for site in summary["sites"]:
    names = [frame["function"] for frame in site["stack"]]
    for name in truth:
        if name in names:
            sums = found.setdefault(name, [0, 0, 0, 0])
            sums[0] += site["cold_bytes"]
            sums[1] += site["alive_bytes"]
            sums[2] += site["idle_ms"] * site["cold_bytes"]
            sums[3] += site["pool_bytes"]

bad = 0
print("%-12s %9s %9s %7s %9s %9s" % ("SITE", "COLD-KIB", "TRUE-KIB", "OFF",
                                     "IDLE-MS", "TRUE-MS"))
for name, (size, idle) in truth.items():
    cold, alive, idle_sum, pool = found.get(name, [0, 0, 0, 0])
    want = size if idle >= cold_ms else 0
    off = (cold - want) / size
    measured = idle_sum / cold if cold else 0
    watched = summary["lasted_ms"]
    late = want and name == "site_late" and not (
        idle - period <= measured <= idle + period)
    early = want and measured > idle + period
    wrong = abs(off) > SHARE or late or early
    bad += wrong
    print("%-12s %9d %9d %6.1f%% %9d %9d%s" % (
        name, cold / 1024, want / 1024, 100 * off, measured, idle,
        "  WRONG" if wrong else ""))
print("recorded %d ms, a round takes %d ms" % (watched, summary["round_ms"]))
sys.exit(bad > 0)
