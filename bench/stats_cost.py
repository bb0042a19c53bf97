#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What looking in costs the one looked at.

    bench/stats_cost.py --build build [--turns 400] [--idle 5]

A program under uzswap, with part of its data stored, does the same piece of
work again and again on a processor of its own.  100 looks a second cost it
less than can be measured.  So bench_look, which reads as zctl stats does, by
the same code, reads from the other processor as often as it can, many
thousand times a second.  That keeps the other processor busy, which alone is
felt by the program; so what is compared is a piece during which its own
statistics are read, with two during which those of a twin are, and, as the
control, these two with each other.  Printed are medians of the ratios of its
CPU time and of its time by the clock, with their standard errors.

The excess over one, divided by how many times more often than 100 a second it
was read, is what 100 reads a second cost.  Taken for granted is that a read
costs the same however many there are.  That is so for what the kernel does
for each.  It is not for the page itself, which the library writes ten times a
second into lines of the cache that the reader had: this costs the library's
own thread something for each of the ten, however often the page was read in
between.  So that is measured by itself and not divided: the CPU time of the
library's threads (the kernel's count, ns) with its own page read, and with
the twin's.

Then such a program without a limit sleeps, and the CPU time that its threads
take is compared between zctl stats 100 times a second and nobody.  At last it
is stopped, and read all the same.
"""

import argparse
import json
import os
import signal
import statistics
import struct
import subprocess
import sys
import time

PIECE_NS = 3e7      # many reads; short, as the machine is not still for long
PER_SECOND = 100    # reads, that the cost is told for

TARGET = r"""
import sys, time
data = bytearray(256 << 20)
for i in range(0, len(data), 4096):
    data[i:i + 64] = (b"%08d" % (i % 999983)) * 8
hot = bytearray(1 << 20)
for line in sys.stdin:
    began, cpu = time.monotonic_ns(), time.thread_time_ns()
    for _ in range(int(line)):
        for i in range(0, len(hot), 4096):
            hot[i] = (hot[i] + 1) & 255
    print(time.thread_time_ns() - cpu, time.monotonic_ns() - began, flush=True)
"""


class Target:
    def __init__(self, zctl, limit):
        os.sched_setaffinity(0, {0})
        self.process = subprocess.Popen(
            [zctl, "run", "--require", "-m", limit,
             # what is done for idle pages is done whether read or not
             "--set", "repack_cpu_percent=0", "--", sys.executable, "-c",
             TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.pid = self.process.pid

    def work(self, rounds):
        """CPU time and time of so much work, ns."""
        self.process.stdin.write(f"{rounds}\n")
        self.process.stdin.flush()
        return tuple(map(int, self.process.stdout.readline().split()))

    def cpu_ns(self, own_only=False):
        """CPU time of all its threads or of the library's, by the kernel."""
        tasks = f"/proc/{self.pid}/task"
        return sum(int(open(f"{tasks}/{t}/schedstat").read().split()[0])
                   for t in os.listdir(tasks)
                   if not own_only or int(t) != self.pid)


class Reader:
    """Reads the statistics of PID on the other processor, until stopped."""

    def __init__(self, command, pid):
        self.out = os.memfd_create("out")
        self.process = subprocess.Popen(
            ["taskset", "-c", "1", *command, str(pid)], stdout=self.out)
        while not any(os.pread(self.out, 8, 0)):
            time.sleep(0.001)   # its start is not its reading
            if self.process.poll() is not None:
                sys.exit("the reader ended")

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def count(self):
        return struct.unpack("=Q", os.pread(self.out, 8, 0))[0]

    def lines(self):
        size = os.fstat(self.out).st_size
        return os.pread(self.out, size, 0).count(b"\n")

    def end(self):
        self.go_on()
        self.process.terminate()
        self.process.wait()


def median_of(ratios):
    """The median, and its standard error."""
    middle = statistics.median(ratios)
    away = statistics.median(abs(r - middle) for r in ratios)
    # of normal noise, from its median absolute deviation
    return middle, 1.4826 * away * 1.2533 / len(ratios) ** 0.5


class Measured:
    """Pieces of one kind: whose page was read meanwhile."""

    def __init__(self, reader):
        self.reader = reader
        self.pieces = []        # (CPU time, time), ns
        self.own = []           # CPU time of the library's threads, ns
        self.seconds = 0.0
        self.reads = 0

    def measure(self, target, rounds):
        reads, own = self.reader.count(), target.cpu_ns(own_only=True)
        self.reader.go_on()
        began = time.monotonic()
        self.pieces.append(target.work(rounds))
        self.seconds += time.monotonic() - began
        self.reader.pause()
        self.own.append(target.cpu_ns(own_only=True) - own)
        self.reads += self.reader.count() - reads


def ratios_of(kinds, nth):
    itself, twin, again = ([p[nth] for p in k.pieces] for k in kinds)
    return ([c / b for b, c in zip(twin, again)],
            [2 * a / (b + c) for a, b, c in zip(itself, twin, again)])


def working(build, target, twin, turns):
    rounds = max(1, int(100 * PIECE_NS / target.work(100)[0]))
    look = [os.path.join(build, "tests/bench/bench_look")]
    itself, other = Reader(look, target.pid), Reader(look, twin.pid)
    itself.pause()
    other.pause()
    kinds = [Measured(itself), Measured(other), Measured(other)]
    for turn in range(turns):
        # no kind has a better place than another
        for nth in range(3):
            kinds[(turn + nth) % 3].measure(target, rounds)
    itself.end()
    other.end()
    rate = kinds[0].reads / kinds[0].seconds
    print(f"working: {turns} turns of three pieces of "
          f"{1e3 * kinds[0].seconds / turns:.0f} ms; {rate:.0f} reads a "
          f"second, of the twin {kinds[1].reads / kinds[1].seconds:.0f}")
    print(f"{'':22} {'CPU time':>21} {'time':>21}")
    by_cpu = [median_of(r) for r in ratios_of(kinds, 0)]
    by_clock = [median_of(r) for r in ratios_of(kinds, 1)]
    for name, a, b in zip(("twin/twin (control)", "itself/twin"),
                          by_cpu, by_clock):
        print(f"  {name:20} {a[0]:10.5f} +- {a[1]:.5f} "
              f"{b[0]:10.5f} +- {b[1]:.5f}")
    parts = rate / PER_SECOND / 100     # and in percent
    print(f"  {PER_SECOND} a second, %    "
          + " ".join(f"{(m[0] - 1) / parts:+10.5f} +- {m[1] / parts:.5f}"
                     for m in (by_cpu[1], by_clock[1])))
    piece = 1e7 * kinds[0].seconds / turns      # ns in a piece, 1 %
    more = [(a - (b + c) / 2) / piece
            for a, b, c in zip(*(k.own for k in kinds))]
    print(f"  the library's threads: "
          f"{statistics.mean(kinds[0].own) / piece:.4f} % of a CPU, of that "
          f"{statistics.mean(more):+.5f} +- "
          f"{statistics.stdev(more) / turns ** 0.5:.5f} by being read")


def sleeping(zctl, target, seconds):
    def taken():
        began, was = time.monotonic(), target.cpu_ns()
        time.sleep(seconds)
        return (target.cpu_ns() - was) / (time.monotonic() - began)

    alone, watched, reads = 0.0, 0.0, 0
    for _ in range(5):
        alone += taken() / 5
        reader = Reader([zctl, "stats", "--json", "--watch=0.01"], target.pid)
        watched += taken() / 5
        reader.end()
        reads += reader.lines()
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
    parser.add_argument("--build", required=True)
    parser.add_argument("--turns", type=int, default=400)
    parser.add_argument("--idle", type=float, default=5)
    args = parser.parse_args()
    zctl = os.path.join(args.build, "zctl")
    target, twin = Target(zctl, "128M"), Target(zctl, "128M")
    try:
        twin.work(1000)
        target.work(1000)       # let it settle
        working(args.build, target, twin, args.turns)
    finally:
        target.process.kill()
        twin.process.kill()
    target = Target(zctl, "0")
    try:
        target.work(1)
        time.sleep(2)
        sleeping(zctl, target, args.idle)
        stopped(zctl, target)
    finally:
        target.process.kill()


main()
