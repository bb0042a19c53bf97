#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What looking in costs the one looked at.

    bench/stats_cost.py --zctl build/zctl [--turns 1000] [--idle 5]

A program under uzswap, with part of its data stored, does the same piece of
work again and again on a processor of its own, and says what CPU time of the
whole process, the library's threads included, each piece took.  In one of
each three pieces zctl reads its statistics 100 times a second from another
processor; else it is stopped.  Printed is the median of the ratios with its
standard error, and as a control the same of two pieces in which nobody looks.

Then such a program without a limit sleeps: what CPU time its threads take
then, with and without being looked at, by turns, is the kernel's count in
nanoseconds.  At last it is stopped, and read all the same.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

PIECE_NS = 3e7      # some reads; short, as the machine is not still for long

TARGET = r"""
import sys, time
data = bytearray(256 << 20)
for i in range(0, len(data), 4096):
    data[i:i + 64] = (b"%08d" % (i % 999983)) * 8
hot = bytearray(1 << 20)
for line in sys.stdin:
    began = time.process_time_ns()
    for _ in range(int(line)):
        for i in range(0, len(hot), 4096):
            hot[i] = (hot[i] + 1) & 255
    print(time.process_time_ns() - began, flush=True)
"""


class Target:
    def __init__(self, zctl, limit):
        os.sched_setaffinity(0, {0})
        self.process = subprocess.Popen(
            [zctl, "run", "--require", "-m", limit, "--", sys.executable,
             "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.pid = self.process.pid

    def work(self, rounds):
        """CPU time of so much work, ns."""
        self.process.stdin.write(f"{rounds}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def cpu_ns(self):
        """CPU time of all its threads, by the kernel."""
        tasks = f"/proc/{self.pid}/task"
        return sum(int(open(f"{tasks}/{t}/schedstat").read().split()[0])
                   for t in os.listdir(tasks))


class Reader:
    """zctl stats, 100 times a second, on the other processor."""

    def __init__(self, zctl, pid):
        self.out = os.memfd_create("out")
        self.process = subprocess.Popen(
            ["taskset", "-c", "1", zctl, "stats", "--json", "--watch=0.01",
             str(pid)], stdout=self.out)
        while not os.fstat(self.out).st_size:
            time.sleep(0.001)   # its start is not its reading

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def reads(self):
        size = os.fstat(self.out).st_size
        return os.pread(self.out, size, 0).count(b"\n")

    def stop(self):
        """How often it has read."""
        self.go_on()
        self.process.terminate()
        self.process.wait()
        reads = self.reads()
        os.close(self.out)
        return reads


def ratio_of(name, ratios):
    middle = statistics.median(ratios)
    away = statistics.median(abs(r - middle) for r in ratios)
    # of the median of normal noise, from its median absolute deviation
    error = 1.4826 * away * 1.2533 / len(ratios) ** 0.5
    print(f"{name:22} {middle:8.5f} +- {error:.5f}")


def working(zctl, target, turns):
    rounds = max(1, int(100 * PIECE_NS / target.work(100)))
    reader = Reader(zctl, target.pid)
    reader.pause()
    before, pieces, seconds = reader.reads(), [], 0.0
    for turn in range(turns):
        three = []
        for nth in range(3):
            # which of the three is watched changes: so no place is better
            watched = nth == turn % 3
            began = time.monotonic()
            if watched:
                reader.go_on()
            three.append(target.work(rounds))
            if watched:
                reader.pause()
                seconds += time.monotonic() - began
        pieces.append([three[(turn + i) % 3] for i in range(3)])
    reads = reader.stop() - before
    print(f"working: {turns} turns, {reads / seconds:.0f} reads a second")
    ratio_of("  alone/alone", [c / b for _, b, c in pieces])
    ratio_of("  watched/alone", [2 * a / (b + c) for a, b, c in pieces])


def sleeping(zctl, target, seconds):
    def taken():
        began, was = time.monotonic(), target.cpu_ns()
        time.sleep(seconds)
        return (target.cpu_ns() - was) / (time.monotonic() - began)

    alone, watched, reads = 0.0, 0.0, 0
    for _ in range(5):
        alone += taken() / 5
        reader = Reader(zctl, target.pid)
        watched += taken() / 5
        reads += reader.stop()
    print(f"asleep: CPU time a second {alone / 1e3:.1f} us alone, "
          f"{watched / 1e3:.1f} us at {reads / seconds / 5:.0f} reads a "
          f"second: {(watched - alone) / 1e7:+.5f} % of a CPU")


def stopped(zctl, target):
    os.kill(target.pid, signal.SIGSTOP)
    times = []
    for _ in range(50):
        began = time.monotonic()
        out = subprocess.run([zctl, "stats", "--json", str(target.pid)],
                             capture_output=True, check=True, timeout=5)
        times.append(time.monotonic() - began)
        assert json.loads(out.stdout)["stopped"]
    print(f"stopped: 50 reads, median {1000 * statistics.median(times):.1f} "
          f"ms, most {1000 * max(times):.1f} ms, zctl's start included")
    os.kill(target.pid, signal.SIGCONT)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zctl", required=True)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--idle", type=float, default=5)
    args = parser.parse_args()
    target = Target(args.zctl, "128M")
    try:
        target.work(1000)       # let it settle
        working(args.zctl, target, args.turns)
    finally:
        target.process.kill()
    target = Target(args.zctl, "0")
    try:
        target.work(1)
        time.sleep(2)
        sleeping(args.zctl, target, args.idle)
        stopped(args.zctl, target)
    finally:
        target.process.kill()



main()
