#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""recording.py - what recording a profile costs.

    recording.py [--unwind tables|fp|off] [--sets N] [--seconds N] [NAME]...

Three processes under the library, Redis or Python, live side by side: one
does not record, one does, and one does not, again.  They get the same pieces
of work by turns, one at a time, and each piece is compared with the one
beside it, as in overhead.py, whose processes and figures these are:

    off, on       median milliseconds for a piece
    ratio         mean over the sets of the median of on / off, wall clock
    +-            half of its 95 % interval, from the spread of the sets
    control       the same of off again / off: what noise comes to
    cpu           CPU time of on / off, all pieces, all threads, ours included

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

SETTLE = 4  # seconds of work after recording began, before counting


class Redis(overhead.RedisServer):
    """The same requests again and again, five thousand at a time."""

    def __init__(self, env, path):
        super().__init__(env, path)
        ping = b'*1\r\n$4\r\nPING\r\n'
        self.requests = [b''.join(super(Redis, self).commands()
                                  for _ in range(5)).replace(ping, b'') + ping
                         for _ in range(60)]
        self.next = 0

    def commands(self):
        self.next += 1
        return self.requests[self.next % len(self.requests)]


def redis(arg, env, which):
    return Redis(env, os.path.join(arg.folder, which))


# name, how to start one, pieces before counting, what has to be there
WORKLOADS = (('redis', redis, 200, 'redis-server'),
             ('python3', overhead.python, 200, 'python3'))


def turns(all_of, pieces, times):
    for n in range(pieces):
        order = list(all_of)
        order = order[n % 3:] + order[:n % 3]
        for which in order if n % 2 == 0 else reversed(order):
            times[which].append(all_of[which].piece())


def measure_set(start, warm, env, arg):
    """{which: [seconds, ...]}, {which: CPU seconds}; which as in overhead."""
    all_of = {which: start(arg, env, which)
              for which in ('plain', 'with', 'again')}
    times = {which: [] for which in all_of}
    try:
        turns(all_of, warm, {which: [] for which in all_of})
        recorder = subprocess.Popen(
            [arg.zctl, 'profile', '-d', '1h',
             str(all_of['with'].process.pid)], stdout=subprocess.DEVNULL)
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            turns(all_of, 3, {which: [] for which in all_of})
        before = {which: one.cpu() for which, one in all_of.items()}
        end = time.monotonic() + arg.seconds
        while time.monotonic() < end:
            turns(all_of, 6, times)
        cpu = {which: one.cpu() - before[which]
               for which, one in all_of.items()}
        recorder.send_signal(signal.SIGINT)
        if recorder.wait():
            raise RuntimeError('zctl profile failed')
        return times, cpu
    finally:
        for one in all_of.values():
            one.end()


def row(name, sets):
    ms = {which: 1000 * statistics.median(x for t, _ in sets for x in t[which])
          for which in ('plain', 'with')}
    cpu = {which: sum(c[which] for _, c in sets) for which in ms}
    times = [t for t, _ in sets]
    ratios = overhead.ratios(times, 'with')
    spread = statistics.stdev(ratios) if len(ratios) > 1 else float('nan')
    print(f"{name:<9} {ms['plain']:8.3f} {ms['with']:8.3f} "
          f"{statistics.mean(ratios):8.4f} "
          f"{overhead.T_95 * spread / len(ratios) ** 0.5:8.4f} "
          f"{statistics.mean(overhead.ratios(times, 'again')):8.4f} "
          f"{cpu['with'] / cpu['plain']:8.4f}", flush=True)


def main():
    opt = argparse.ArgumentParser(description='the cost of recording')
    opt.add_argument('--unwind', choices=('tables', 'fp', 'off'),
                     default='tables')
    opt.add_argument('--sets', type=int, default=overhead.SETS)
    opt.add_argument('--seconds', type=float, default=6)
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
    print(f"{'workload':<9} {'off ms':>8} {'on ms':>8} {'ratio':>8} {'+-':>8} "
          f"{'control':>8} {'cpu':>8}   prof_unwind={arg.unwind}")
    for name, start, warm, needs in WORKLOADS:
        if arg.only and name not in arg.only:
            continue
        if not shutil.which(needs):
            print(f'{name:<9} SKIP: no {needs}')
            continue
        with tempfile.TemporaryDirectory(prefix='uzbench-') as arg.folder:
            row(name, [measure_set(start, warm, env, arg)
                       for _ in range(arg.sets)])
    return 0


if __name__ == '__main__':
    sys.exit(main())
