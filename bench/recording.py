#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""recording.py - what recording a profile costs.

    recording.py [--sets N] [--cycles N] [--seconds N] [--unwind tables|fp]
                 [NAME]...

Four processes under the library, Redis or Python, live side by side: one
records, one records with prof_unwind=off, and two do not record.  They get
the same pieces of work by turns, one at a time, and each piece is compared
with the one beside it, as in overhead.py, whose processes these are.  Where
the memory of a process happens to lie makes one percent, and changes slowly:
so recording is switched on and off again and again, and a ratio is that of
a time of recording, to those without before and after it.  A row each for

    recording     of who records, to who does not
    unwind off    the same of prof_unwind=off: pages are watched, and no
                  allocation is sampled
    call sites    of who records, to prof_unwind=off
    control       of who does not record either: what noise comes to

with, as the mean over all times of recording,

    ratio, +-     wall clock, the median of all pieces; half of the 95 %
                  interval, from their spread
    cpu, +-       CPU time of all pieces and threads, ours included
    a second      pages asked for and allocations sampled, while the process
                  worked or waited for its turn; CPU time for watching and
                  for sampling, in ms

UZSWAP_LIB and ZCTL name the library and zctl.  It judges nothing; exit 0, or
77 without a library.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import overhead

SETTLE = 2  # seconds of work after recording began or ended, not counted
RECORDERS = ('recording', 'unwind off')
ALL = RECORDERS + ('off', 'control')
# row, and which is compared with which
ROWS = (('recording', 'recording', 'off'), ('unwind off', 'unwind off', 'off'),
        ('call sites', 'recording', 'unwind off'),
        ('control', 'control', 'off'))
# Student's t, for that many sets
T_95 = {2: 12.7, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36,
        9: 2.31, 10: 2.26, 12: 2.20, 16: 2.13, 24: 2.07}


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
    return Redis(env, os.path.join(arg.folder, which.replace(' ', '-')))


# name, how to start one, pieces before counting, what has to be there
WORKLOADS = (('redis', redis, 100, 'redis-server'),
             ('python', overhead.python, 200, 'python3'))


def cpu_of(one):
    """CPU seconds of all threads that live, to the nanosecond."""
    tasks = f'/proc/{one.process.pid}/task'
    total = 0
    for tid in os.listdir(tasks):
        with open(f'{tasks}/{tid}/schedstat', encoding='ascii') as f:
            total += int(f.read().split()[0])
    return total / 1e9


def turns(all_of, seconds, least=0):
    """{which: [seconds of a piece, ...]}, {which: CPU seconds of all}"""
    times = {which: [] for which in all_of}
    cpu = {which: -cpu_of(one) for which, one in all_of.items()}
    end = time.monotonic() + seconds
    n = 0
    while n < least or time.monotonic() < end:
        order = list(all_of)
        order = order[n % 4:] + order[:n % 4]
        for which in order if n // 4 % 2 == 0 else reversed(order):
            times[which].append(all_of[which].piece())
        n += 1
    for which, one in all_of.items():
        cpu[which] += cpu_of(one)
    return times, cpu


class Recorder:
    """zctl, having a process record until told to end."""

    def __init__(self, arg, pid):
        self.process = subprocess.Popen(
            [arg.zctl, 'profile', '-d', '1h', '--format', 'json', str(pid)],
            stdout=subprocess.PIPE)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError('zctl profile failed')
        return json.loads(out)


def measure_set(start, warm, env, arg):
    """[((times, cpu) before, while recording, after, {which: summary})]"""
    all_of = {}
    cycles = []
    try:
        for which in ALL:
            env['UZSWAP_PROF_UNWIND'] = \
                'off' if which == 'unwind off' else arg.unwind
            all_of[which] = start(arg, env, which)
        turns(all_of, 0, warm)
        before = turns(all_of, arg.seconds)
        for _ in range(arg.cycles):
            recorders = {which: Recorder(arg, all_of[which].process.pid)
                         for which in RECORDERS}
            turns(all_of, SETTLE)
            during = turns(all_of, arg.seconds)
            summaries = {which: one.end() for which, one in recorders.items()}
            turns(all_of, SETTLE)
            after = turns(all_of, arg.seconds)
            cycles.append((before, during, after, summaries))
            before = after
        return cycles
    finally:
        for one in all_of.values():
            one.end()


def of_times(phase, a, b):
    return statistics.median(x / y for x, y in zip(phase[0][a], phase[0][b]))


def of_cpu(phase, a, b):
    return phase[1][a] / phase[1][b]


def mean_and_half(cycles, ratio, a, b):
    """A to B while recording, to what it is without; and how certain."""
    all_of = [2 * ratio(during, a, b) /
              (ratio(before, a, b) + ratio(after, a, b))
              for before, during, after, _ in cycles]
    if len(all_of) < 2:
        return all_of[0], float('nan')
    t_95 = T_95[max(n for n in T_95 if n <= len(all_of))]
    return statistics.mean(all_of), \
        t_95 * statistics.stdev(all_of) / len(all_of) ** 0.5


def rates(every):
    """Of who records, per second: asked, sampled, ms of each."""
    lasted = sum(s['lasted_ms'] for s in every) / 1000
    return [sum(s[name] for s in every) / lasted / unit
            for name, unit in (('asked', 1), ('samples', 1),
                               ('sampler_ns', 1e6), ('unwind_ns', 1e6))]


def rows(name, cycles):
    for title, a, b in ROWS:
        print('%-7s %-11s %7.4f %7.4f %7.4f %7.4f' %
              (name, title, *mean_and_half(cycles, of_times, a, b),
               *mean_and_half(cycles, of_cpu, a, b)), end='')
        if title in RECORDERS:
            print('%8.1f asked %7.1f sampled %6.2f + %.2f ms' %
                  tuple(rates([c[3][title] for c in cycles])), end='')
        print(flush=True)


def main():
    opt = argparse.ArgumentParser(description='the cost of recording')
    opt.add_argument('--unwind', choices=('tables', 'fp'), default='tables')
    opt.add_argument('--sets', type=int, default=2)
    opt.add_argument('--cycles', type=int, default=8)
    opt.add_argument('--seconds', type=float, default=3)
    opt.add_argument('only', nargs='*', metavar='NAME',
                     help=' or '.join(w[0] for w in WORKLOADS))
    arg = opt.parse_args()
    for name in set(arg.only) - {w[0] for w in WORKLOADS}:
        opt.error(f'{name}: no such workload')
    arg.zctl = os.environ.get('ZCTL', 'zctl')
    arg.library = os.environ.pop('UZSWAP_LIB', 'libuzswap.so.0')
    if '/' in arg.library and not os.path.exists(arg.library):
        print(f'SKIP: no {arg.library}')
        return 77
    env = overhead.environment(arg.library)
    env['UZSWAP_MIN_MANAGED_BYTES'] = '8M'
    print(f"{'program':<7} {'':<11} {'ratio':>7} {'+-':>7} {'cpu':>7} "
          f"{'+-':>7}   a second")
    for name, start, warm, needs in WORKLOADS:
        if arg.only and name not in arg.only:
            continue
        if not shutil.which(needs):
            print(f'{name:<7} SKIP: no {needs}')
            continue
        with tempfile.TemporaryDirectory(prefix='uzbench-') as arg.folder:
            rows(name, [cycle for _ in range(arg.sets)
                        for cycle in measure_set(start, warm, env, arg)])
    return 0


if __name__ == '__main__':
    sys.exit(main())
