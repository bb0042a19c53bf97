#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""recording.py - what recording a profile costs.

    recording.py [--unwind tables|fp|off] [--turns N] [--seconds N] [NAME]...

A program under the library that is busy all the time, Redis or Python, is
asked to record and to stop again, by turns.  Compared is the CPU time of all
its threads, ours included, for a piece of work: of a turn in which it records
with the mean of the turns before and after it.  It is one process, whose
memory lies where it lies, and what else the machine does changes CPU time
less than seconds.  The control compares every other turn without recording
with its neighbours in the same way: the noise.

UZSWAP_LIB and ZCTL name the library and zctl.  It judges nothing; exit 0, or
77 without a library.
"""
import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import overhead

SETTLE = 2  # seconds after a change, before counting


def cpu_ns(pid):
    """Of all threads that are there now."""
    total = 0
    folder = f'/proc/{pid}/task'
    for task in os.listdir(folder):
        try:
            with open(f'{folder}/{task}/schedstat', encoding='ascii') as f:
                total += int(f.read().split()[0])
        except FileNotFoundError:
            pass
    return total


class Redis(overhead.RedisServer):
    """The same requests again and again: the server never waits for them."""

    def __init__(self, env, path):
        super().__init__(env, path)
        self.requests = [super(Redis, self).commands() for _ in range(300)]
        self.next = 0

    def commands(self):
        self.next += 1
        return self.requests[self.next % len(self.requests)]


def redis(arg, env, which):
    return Redis(env, os.path.join(arg.folder, which))


# name, how to start one, pieces before the first turn, what has to be there
WORKLOADS = (('redis', redis, 1000, 'redis-server'),
             ('python3', overhead.python, 300, 'python3'))


def work(process, seconds):
    """CPU nanoseconds for a piece."""
    pieces = 0
    before = cpu_ns(process.process.pid)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        process.piece()
        pieces += 1
    return (cpu_ns(process.process.pid) - before) / pieces


def turns(process, arg):
    """For each turn, off and on alternately, off first and last."""
    out = []
    for n in range(2 * arg.turns + 1):
        recorder = None
        if n % 2:
            recorder = subprocess.Popen(
                [arg.zctl, 'profile', '-d', '1h', str(process.process.pid)],
                stdout=subprocess.DEVNULL)
        work(process, SETTLE)
        out.append(work(process, arg.seconds))
        if recorder:
            recorder.send_signal(signal.SIGINT)
            if recorder.wait():
                raise RuntimeError('zctl profile failed')
    return out


def compared(values):
    """Each but the first and last with the mean of its neighbours."""
    return [2 * b / (a + c)
            for a, b, c in zip(values, values[1:], values[2:])]


def show(name, off, ratios, control):
    print(f'{name:<10} {off / 1e6:9.3f} {statistics.median(ratios):9.4f} '
          f'{min(ratios):7.4f} {max(ratios):7.4f} '
          f'{statistics.median(control):8.4f} {min(control):7.4f} '
          f'{max(control):7.4f}', flush=True)


def main():
    opt = argparse.ArgumentParser(description='the cost of recording')
    opt.add_argument('--unwind', choices=('tables', 'fp', 'off'),
                     default='tables')
    opt.add_argument('--turns', type=int, default=9)
    opt.add_argument('--seconds', type=float, default=3)
    opt.add_argument('only', nargs='*')
    arg = opt.parse_args()
    arg.zctl = os.environ.get('ZCTL', 'zctl')
    arg.library = os.environ.pop('UZSWAP_LIB', 'libuzswap.so.0')
    if '/' in arg.library and not os.path.exists(arg.library):
        print(f'SKIP: no {arg.library}')
        return 77
    env = overhead.environment(arg.library)
    env['UZSWAP_MIN_MANAGED_BYTES'] = '8M'
    env['UZSWAP_PROF_UNWIND'] = arg.unwind
    print(f"{'workload':<10} {'piece ms':>9} {'recording':>9} "
          f"{'least':>7} {'most':>7} {'control':>8} {'least':>7} {'most':>7}"
          f"   prof_unwind={arg.unwind}")
    for name, start, warm, needs in WORKLOADS:
        if arg.only and name not in arg.only:
            continue
        if not shutil.which(needs):
            print(f'{name:<10} SKIP: no {needs}')
            continue
        with tempfile.TemporaryDirectory(prefix='uzbench-') as arg.folder:
            process = start(arg, env, 'one')
            for _ in range(warm):
                process.piece()
            values = turns(process, arg)
            process.end()
        show(name, statistics.median(values[::2]), compared(values)[::2],
             compared(values[::2]))
    return 0


if __name__ == '__main__':
    sys.exit(main())
