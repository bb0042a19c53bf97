#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What looking in costs the one looked at.

    bench/stats_cost.py --zctl build/zctl [--tenths 5] [--turns 60]

A program under uzswap, with part of its data stored, counts how often it can
go through the rest in a second, on a processor of its own.  By turns nobody
looks, and zctl reads its statistics 100 times a second from another
processor.  Printed is the median of the ratios of neighbouring turns and its
standard error, which tells what it is worth.  Then the program is stopped,
and read all the same.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

TARGET = r"""
import sys, time
data = bytearray(256 << 20)
for i in range(0, len(data), 4096):
    data[i:i + 64] = (b"%08d" % (i % 999983)) * 8
hot = bytearray(1 << 20)
while True:
    end = time.monotonic() + 0.1
    n = 0
    while time.monotonic() < end:
        for i in range(0, len(hot), 4096):
            hot[i] = (hot[i] + 1) & 255
        n += 1
    print(n, flush=True)
"""


def start(zctl):
    os.sched_setaffinity(0, {0})
    target = subprocess.Popen(
        [zctl, "run", "--require", "-m", "128M", "--", sys.executable, "-c",
         TARGET], stdout=subprocess.PIPE, text=True)
    return target


def work(target, tenths):
    """Rounds of work in so many tenths of a second."""
    return sum(int(target.stdout.readline()) for _ in range(tenths))


def look(zctl, pid):
    return subprocess.Popen(["taskset", "-c", "1", zctl, "stats", "--json",
                             "--watch=0.01", str(pid)],
                            stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zctl", required=True)
    parser.add_argument("--tenths", type=int, default=5)
    parser.add_argument("--turns", type=int, default=60)
    args = parser.parse_args()
    target = start(args.zctl)
    alone, watched = [], []
    try:
        work(target, 100)       # let it settle
        for _ in range(args.turns):
            alone.append(work(target, args.tenths))
            reader = look(args.zctl, target.pid)
            work(target, 1)     # its start is not its reading
            watched.append(work(target, args.tenths))
            reader.terminate()
            reader.wait()
            work(target, 1)
        report(args.zctl, target, alone, watched)
    finally:
        target.kill()


def report(zctl, target, alone, watched):
    ratios = [w / a for w, a in zip(watched, alone)]
    middle = statistics.median(ratios)
    away = statistics.median(abs(r - middle) for r in ratios)
    # of the median of normal noise, from its median absolute deviation
    error = 1.4826 * away * 1.2533 / len(ratios) ** 0.5
    print(f"work alone     {statistics.median(alone):10.0f}")
    print(f"work watched   {statistics.median(watched):10.0f}")
    print(f"ratio          {middle:10.4f} +- {error:.4f}")
    os.kill(target.pid, signal.SIGSTOP)
    times = []
    for _ in range(50):
        began = time.monotonic()
        out = subprocess.run([zctl, "stats", "--json", str(target.pid)],
                             capture_output=True, check=True, timeout=5)
        times.append(time.monotonic() - began)
        assert json.loads(out.stdout)["stopped"]
    print(f"stopped: 50 reads, median {1000 * statistics.median(times):.1f} ms, "
          f"most {1000 * max(times):.1f} ms, zctl's start included")
    os.kill(target.pid, signal.SIGCONT)


main()
