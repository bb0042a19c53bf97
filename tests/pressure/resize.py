#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""resize.py - the limit of a Redis's group is halved while it serves.

    resize.py --zctl ZCTL --client DIR/redis_client --group DIR
              [--bytes N] [--seconds 20] [--how retry|first]

A redis-server under `zctl run` in the group DIR is loaded with BYTES of data
(redis_client.c of tests/real).  Three seconds into its mixed phase the limit
is halved, in one of two ways:

    retry   written again every fifth of a second until it is taken; version 1
            of memory groups refuses a limit below what is used
    first   version 2 kills instead: so memory.high first, and memory.max
            when the group has shrunk
    set     `zctl set PID limit=` first, on either version, then the limit

The client checks every reply, and every key at the end.  Exit status: 0 right,
1 wrong data, an error to the client, a process killed, or the new limit not
kept within ten seconds.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
HEADROOM = 16 * MIB     # for page cache and the rest, with `set`
PATIENCE = 30


class Group:
    def __init__(self, path):
        self.path = path
        self.v1 = os.path.exists(path + '/memory.limit_in_bytes')
        self.max = 'memory.limit_in_bytes' if self.v1 else 'memory.max'

    def number(self, name):
        with open(f'{self.path}/{name}') as f:
            text = f.read().strip()
        return int(text) if text.isdigit() else 0

    def usage(self):
        return self.number('memory.usage_in_bytes' if self.v1
                           else 'memory.current')

    def write(self, name, value):
        """False if the kernel refuses."""
        fd = os.open(f'{self.path}/{name}', os.O_WRONLY)
        try:
            os.write(fd, str(value).encode())
            return True
        except OSError:
            return False
        finally:
            os.close(fd)

    def oom_kills(self):
        name = 'memory.oom_control' if self.v1 else 'memory.events'
        with open(f'{self.path}/{name}') as f:
            for line in f:
                if line.startswith('oom_kill '):
                    return int(line.split()[1])
        return 0


def start_server(arg, folder):
    here = os.path.dirname(os.path.abspath(__file__))
    sock = folder + '/redis.sock'
    server = subprocess.Popen(
        ['sh', here + '/../lib/in_group.sh', arg.group, arg.zctl, 'run',
         '--require', '--', 'redis-server', '--port', '0', '--unixsocket',
         sock, '--save', '', '--appendonly', 'no', '--dir', folder,
         '--logfile', folder + '/log'], stdin=subprocess.DEVNULL)
    for _ in range(200):
        if os.path.exists(sock) or server.poll() is not None:
            break
        time.sleep(0.05)
    return server, sock


def halve(arg, group, server):
    """Returns seconds until taken and tries; None if it never was."""
    goal = group.number(group.max) // 2
    begun = time.monotonic()
    tries = 0
    shown = begun
    if arg.how == 'set':
        subprocess.run([arg.zctl, 'set', str(server.pid),
                        f'limit={goal - HEADROOM}'], check=True)
    elif arg.how == 'first':
        group.write('memory.high', goal)
    while time.monotonic() - begun < PATIENCE:
        if arg.how == 'retry' or group.usage() <= goal:
            tries += 1
            if group.write(group.max, goal):
                return time.monotonic() - begun, tries
        if time.monotonic() - shown >= 2:
            shown = time.monotonic()
            print(f'{shown - begun:.0f} s: {group.usage() / MIB:.0f} MiB',
                  flush=True)
        time.sleep(0.2)
    return None, tries


def stalls(arg, server):
    """How often the kernel has said to it that memory is short."""
    out = subprocess.run([arg.zctl, 'stats', '--json', str(server.pid)],
                         capture_output=True, check=True).stdout
    return json.loads(out)['counters']['stalls']


def run(arg, folder):
    group = Group(arg.group)
    old = group.number(group.max)
    server, sock = start_server(arg, folder)
    client = subprocess.Popen(
        [arg.client, '--bytes', str(arg.bytes), '--seconds',
         str(arg.seconds), sock], stdout=subprocess.PIPE, text=True)
    for line in client.stdout:
        print(line, end='', flush=True)
        if line.startswith('load'):
            break
    time.sleep(3)
    before = group.usage()
    taken, tries = halve(arg, group, server)
    print(f'limit {old / MIB:.0f} -> {old / 2 / MIB:.0f} MiB with '
          f'{before / MIB:.0f} MiB used: '
          + (f'taken after {taken:.1f} s, {tries} tries' if taken is not None
             else f'not taken, {tries} tries'), flush=True)
    bad = []
    if arg.how == 'retry' and tries > 1 and not stalls(arg, server):
        bad.append('it was not told that the limit is too low')
    print(client.communicate()[0], end='')
    if taken is None or taken > 10:
        bad.append('the limit was not kept within 10 s')
    if client.returncode:
        bad.append(f'client: status {client.returncode}')
    if server.poll() is not None:
        bad.append(f'server: status {server.returncode}')
    else:
        server.terminate()
        server.wait()
    if group.oom_kills():
        bad.append(f'{group.oom_kills()} OOM kills')
    print(', '.join(bad) or 'right')
    return 1 if bad else 0


def main():
    opt = argparse.ArgumentParser(description='a limit halved under load')
    opt.add_argument('--zctl', required=True)
    opt.add_argument('--client', required=True)
    opt.add_argument('--group', required=True)
    opt.add_argument('--bytes', type=int, default=300 * MIB)
    opt.add_argument('--seconds', type=int, default=20)
    opt.add_argument('--how', choices=['retry', 'first', 'set'],
                     default='retry')
    arg = opt.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return run(arg, folder)


if __name__ == '__main__':
    sys.exit(main())
