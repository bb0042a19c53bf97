#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""share.py - several programs share the limit of one group, without a daemon.

    share.py --zctl ZCTL --sharer PROGRAM --group DIR [--processes 8]
             [--mib 512] [--seconds 60] [--apart SECONDS] [--fair 20]

Starts PROCESSES of sharer.c, with MIB each, under `zctl run` in the group
DIR, all at once or SECONDS apart, and watches what each has resident (pages
and pool) and what the group uses.  SECONDS after all have filled their
memory, the mean of the last third of that time is looked at, while they still
use it; then each checks all of its memory.

Prints a line every two seconds and a verdict.  Exit status: 0 all right, 1
wrong bytes, a process killed, more in the group than its limit, or a process
further than FAIR percent from the mean.
"""
import argparse
import os
import subprocess
import sys
import time

MIB = 1 << 20
PATIENCE = 600


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ''


def resident(pid):
    """Anonymous memory of a process, bytes."""
    fields = read(f'/proc/{pid}/statm').split()
    return (int(fields[1]) - int(fields[2])) * 4096 if fields else 0


class Group:
    def __init__(self, path):
        self.path = path
        self.v1 = os.path.exists(path + '/memory.limit_in_bytes')

    def number(self, v1, v2):
        text = read(f'{self.path}/{v1 if self.v1 else v2}').strip()
        return int(text) if text.isdigit() else 0

    def limit(self):
        return self.number('memory.limit_in_bytes', 'memory.max')

    def usage(self):
        return self.number('memory.usage_in_bytes', 'memory.current')

    def most(self):
        return self.number('memory.max_usage_in_bytes', 'memory.peak')

    def oom_kills(self):
        name = 'memory.oom_control' if self.v1 else 'memory.events'
        for line in read(f'{self.path}/{name}').splitlines():
            if line.startswith('oom_kill '):
                return int(line.split()[1])
        return 0


def start(arg):
    here = os.path.dirname(os.path.abspath(__file__))
    p = subprocess.Popen(
        ['sh', here + '/../lib/in_group.sh', arg.group, arg.zctl, 'run',
         '--require', '--', arg.sharer, str(arg.mib)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    os.set_blocking(p.stdout.fileno(), False)
    p.said = b''
    return p


def has_said(p, word):
    p.said += p.stdout.read() or b''
    return word in p.said


def spread(sizes):
    """How far is the one furthest from the mean?  Percent."""
    mean = sum(sizes) / len(sizes)
    return max(abs(s - mean) for s in sizes) / mean * 100 if mean else 100


def show(sizes):
    return ' '.join(f'{s / MIB:.0f}' for s in sizes) + \
        f' MiB, {spread(sizes):.0f} % from the mean'


def watch(arg, group):
    """Run them; the processes, and what each had resident at the end."""
    running = []
    sums = [0] * arg.processes
    looks = 0
    begun = time.monotonic()
    filled = None
    shown = 0
    while True:
        at = time.monotonic() - begun
        while len(running) < arg.processes and \
                at >= len(running) * arg.apart:
            running.append(start(arg))
        sizes = [resident(p.pid) for p in running]
        if at - shown >= 2:
            shown = at
            print(f'{at:5.0f} s: group {group.usage() / MIB:.0f} MiB; '
                  + show(sizes), flush=True)
        if filled is None and len(running) == arg.processes and \
                all(has_said(p, b'filled') for p in running):
            filled = at
        if filled is not None and at - filled > arg.seconds * 2 / 3:
            sums = [a + b for a, b in zip(sums, sizes)]
            looks += 1
        if any(p.poll() is not None for p in running) or at > PATIENCE or \
                (filled is not None and at - filled > arg.seconds):
            return running, [s / max(looks, 1) for s in sums]
        time.sleep(0.1)


def finish(running):
    """Have all check all their memory, at once; their exit status."""
    for p in running:
        p.stdin.close()
    for p in running:
        os.set_blocking(p.stdout.fileno(), True)
        p.said += p.stdout.read()
    return [p.wait() for p in running]


def main():
    opt = argparse.ArgumentParser(description='several in one group')
    opt.add_argument('--zctl', required=True)
    opt.add_argument('--sharer', required=True)
    opt.add_argument('--group', required=True)
    opt.add_argument('--processes', type=int, default=8)
    opt.add_argument('--mib', type=int, default=512)
    opt.add_argument('--seconds', type=float, default=60)
    opt.add_argument('--apart', type=float, default=0)
    opt.add_argument('--fair', type=float, default=20)
    arg = opt.parse_args()
    group = Group(arg.group)
    running, sizes = watch(arg, group)
    codes = finish(running)
    bad = []
    if spread(sizes) > arg.fair:
        bad.append('not fair')
    if any(codes) or len(codes) < arg.processes:
        bad.append(f'exit status {codes}')
    if group.oom_kills():
        bad.append('OOM')
    if group.most() > group.limit():
        bad.append('more than the limit')
    for p in running:
        print(p.said.decode().replace('\n', '; '))
    print(f'{arg.processes} processes with {arg.mib} MiB each, limit '
          f'{group.limit() / MIB:.0f} MiB, most used '
          f'{group.most() / MIB:.1f} MiB, {group.oom_kills()} OOM kills; '
          f'{show(sizes)}: {", ".join(bad) or "right"}')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
