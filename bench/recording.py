#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""recording.py - what recording a profile costs.

    recording.py [--unwind tables|fp|off] [--sets N] [--seconds N] [NAME]...

Programs under the library that are busy all the time, Redis and Python, do
the same work with and without recording, one process after the other: plain,
recording, plain again, N times, in turning order.  Compared is the CPU time
of all threads of the process, ours included, for that work; what else the
machine does changes it less than it changes seconds.  Printed are medians
and the range of recording / plain, and of plain again / plain: the noise.

UZSWAP_LIB names the library.  It judges nothing; exit 0, or 77 without a
library.
"""
import argparse
import os
import shutil
import statistics
import sys
import tempfile

import overhead

WARM = 0.3  # of the work is done before counting begins


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


# name, how to start one, pieces a second at least, what has to be installed
WORKLOADS = (('redis', redis, 250, 'redis-server'),
             ('python3', overhead.python, 70, 'python3'))


def run(start, arg, recording, pieces, which):
    """CPU nanoseconds for the work."""
    env = overhead.environment(arg.library)
    if recording:
        env['UZSWAP_PROF'] = '1'
        env['UZSWAP_PROF_UNWIND'] = arg.unwind
    process = start(arg, env, which)
    try:
        for _ in range(int(pieces * WARM)):
            process.piece()
        before = cpu_ns(process.process.pid)
        for _ in range(pieces):
            process.piece()
        return cpu_ns(process.process.pid) - before
    finally:
        process.end()


def main():
    opt = argparse.ArgumentParser(description='the cost of recording')
    opt.add_argument('--unwind', choices=('tables', 'fp', 'off'),
                     default='tables')
    opt.add_argument('--sets', type=int, default=5)
    opt.add_argument('--seconds', type=float, default=4)
    opt.add_argument('only', nargs='*')
    arg = opt.parse_args()
    arg.library = os.environ.pop('UZSWAP_LIB', 'libuzswap.so.0')
    if '/' in arg.library and not os.path.exists(arg.library):
        print(f'SKIP: no {arg.library}')
        return 77
    print(f"{'workload':<10} {'plain ms':>9} {'recording':>9} "
          f"{'least':>7} {'most':>7} {'control':>8} {'least':>7} {'most':>7}"
          f"   prof_unwind={arg.unwind}")
    for name, start, rate, needs in WORKLOADS:
        if arg.only and name not in arg.only:
            continue
        if not shutil.which(needs):
            print(f'{name:<10} SKIP: no {needs}')
            continue
        pieces = int(rate * arg.seconds)
        cost, control, plain = [], [], []
        with tempfile.TemporaryDirectory(prefix='uzbench-') as arg.folder:
            for n in range(arg.sets):
                order = [False, True, None]
                order = order[n % 3:] + order[:n % 3]
                ns = {which: run(start, arg, which, pieces,
                                 f'{n}-{which}') for which in order}
                plain.append(ns[False] / 1e6)
                cost.append(ns[True] / ns[False])
                control.append(ns[None] / ns[False])
        print(f'{name:<10} {statistics.median(plain):9.0f} '
              f'{statistics.median(cost):9.4f} {min(cost):7.4f} '
              f'{max(cost):7.4f} {statistics.median(control):8.4f} '
              f'{min(control):7.4f} {max(control):7.4f}', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
