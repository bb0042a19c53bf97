#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""overhead.py - what the preloaded library costs a program with memory to spare.

Called by overhead.sh.  A shared host makes seconds differ by a third, in
bursts; so three processes of each workload live side by side: plain, with
LD_PRELOAD=LIBRARY, and plain again.  They get the same short pieces of work
by turns, one at a time, some milliseconds each, and each piece is compared
with the plain one beside it.  (A compiler runs anew each time.)  Where the
memory of a process happens to lie makes one percent, for as long as it lives;
so there are many such sets of three, each started in another order.  Printed are

    plain, with   median milliseconds for a piece
    ratio         mean over the sets of the median of with / plain, wall clock
    +-            half of its 95 % interval, from the spread of the sets
    control       the same of plain again / plain: what noise comes to
    cpu           CPU time of with / plain, all pieces, all threads
    managed       MiB of the process that the library knows of: dormant if 0

A ratio nearer to 1 than +- says nothing.
"""
import argparse
import os
import random
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PYTHON_WORK = '''
import json, random, sys
rng = random.Random(1)
kept = []
for line in sys.stdin:
    rows = [{'id': i, 'name': 'customer-%d' % i, 'score': rng.random(),
             'tags': [rng.randrange(1000) for _ in range(4)]}
            for i in range(700)]
    back = json.loads(json.dumps(rows))
    back.sort(key=lambda r: r['score'])
    index = {}
    for r in back:
        for t in r['tags']:
            index.setdefault(t, []).append(r['id'])
    assert sum(map(len, index.values())) == 2800
    kept.append(back)
    if len(kept) > 150:
        kept[rng.randrange(150)] = kept.pop()
    print(len(kept), flush=True)
'''


def write_c_source(path, functions):
    """A C file that keeps an optimising compiler busy for some seconds."""
    with open(path, 'w') as f:
        f.write('#include <stdint.h>\n#include <stdlib.h>\n'
                '#include <string.h>\n#include <stdio.h>\n')
        for n in range(functions):
            f.write(f'''
struct s{n} {{ uint32_t a, b; uint64_t c[{n % 7 + 2}]; char d[{n % 13 + 8}]; }};
uint64_t f{n}(struct s{n} *s, size_t count, const uint8_t *in)
{{
	uint64_t sum = {n * 7919 % 65537};

	for (size_t i = 0; i < count; i++) {{
		switch (in[i] % {n % 5 + 6}) {{
		case 0: sum += s[i].a * {n % 31 + 3}u; break;
		case 1: sum ^= s[i].c[i % {n % 7 + 2}] >> {n % 23 + 1}; break;
		case 2: sum -= (uint64_t)s[i].d[i % 8] << {n % 17 + 1}; break;
		case 3: memcpy(s[i].d, in + i, 8); break;
		case 4: s[i].b = (uint32_t)(sum * {n % 97 + 5}u); break;
		default: sum = sum * 6364136223846793005u + {n + 1};
		}}
		if (sum % {n % 11 + 2} == 0)
			s[i].c[0] = sum / (s[i].a | 1);
	}}
	return sum;
}}
''')


def environment(library):
    env = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
    env['PYTHONHASHSEED'] = '0'
    if library:
        env['LD_PRELOAD'] = library
    return env


def process_cpu(pid):
    """CPU seconds of all threads, the ended ones included."""
    with open(f'/proc/{pid}/stat') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Lines:
    """A process that does a piece of work for each line it reads."""

    def __init__(self, command, env):
        self.process = subprocess.Popen(command, env=env,
                                        stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def piece(self):
        t = time.perf_counter()
        self.process.stdin.write(b'\n')
        self.process.stdin.flush()
        if not self.process.stdout.readline():
            raise RuntimeError('a process under test ended')
        return time.perf_counter() - t

    def cpu(self):
        return process_cpu(self.process.pid)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class RedisServer:
    """A Redis server; a piece is PIECE commands in one pipeline."""

    PIECE = 1000
    KEYS = 150000

    def __init__(self, env, path):
        self.process = subprocess.Popen(
            ['redis-server', '--port', '0', '--unixsocket', path,
             '--save', '', '--appendonly', 'no', '--logfile',
             path + '.log'], env=env)
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(500):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.02)
        self.random = random.Random(7)

    def commands(self):
        out = []
        for n in range(self.PIECE):
            key = b'key:%09d' % self.random.randrange(self.KEYS)
            if n % 2:
                out.append(b'*2\r\n$3\r\nGET\r\n$13\r\n%s\r\n' % key)
            else:
                value = (b'%d ' % self.random.getrandbits(256)) * 14
                out.append(b'*3\r\n$3\r\nSET\r\n$13\r\n%s\r\n$%d\r\n%s\r\n'
                           % (key, len(value), value))
        out.append(b'*1\r\n$4\r\nPING\r\n')
        return b''.join(out)

    def piece(self):
        request = self.commands()
        last = b''
        t = time.perf_counter()
        self.socket.sendall(request)
        while not last.endswith(b'+PONG\r\n'):
            got = self.socket.recv(1 << 20)
            if not got:
                raise RuntimeError('redis-server ended')
            last = (last + got)[-8:]
        return time.perf_counter() - t

    def cpu(self):
        return process_cpu(self.process.pid)

    def end(self):
        self.socket.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Runs:
    """A command that runs anew for each piece."""

    def __init__(self, command, env):
        self.command = command
        self.env = env
        self.used = 0.0
        self.process = None

    def piece(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        t = time.perf_counter()
        subprocess.run(self.command, env=self.env, check=True,
                       stdout=subprocess.DEVNULL)
        t = time.perf_counter() - t
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.used += (after.ru_utime + after.ru_stime -
                      before.ru_utime - before.ru_stime)
        return t

    def cpu(self):
        return self.used

    def end(self):
        pass


def redis(arg, env, which):
    return RedisServer(env, os.path.join(arg.folder, which))


def compile_c(arg, env, which):
    source = os.path.join(arg.folder, which + '.c')
    write_c_source(source, 2)
    return Runs(['gcc', '-O2', '-c', '-o', '/dev/null', source], env)


def python(_arg, env, _which):
    return Lines(['/usr/bin/python3', '-c', PYTHON_WORK], env)


def churn(arg, env, _which):
    return Lines([os.path.join(arg.build, 'churn'), '16', 'lines'], env)


# name, how to start one, pieces of each, what has to be installed
WORKLOADS = (('redis', redis, 7200, 'redis-server'),
             ('gcc -O2', compile_c, 180, 'gcc'),
             ('python3', python, 1200, 'python3'),
             ('mmap churn', churn, 1200, 'cc'))


SETS = 24
T_95 = 2.07    # Student's t for 24 sets


def measure(start, pieces, arg):
    """[{which: [seconds, ...]}] by sets, {which: CPU seconds}, MiB managed."""
    cpu = {'plain': 0.0, 'with': 0.0, 'again': 0.0}
    managed = 0
    sets = []
    for _ in range(SETS):
        times = {which: [] for which in cpu}
        managed = max(managed, measure_set(start, pieces // SETS, arg,
                                           times, cpu))
        sets.append(times)
    return sets, cpu, managed


def measure_set(start, pieces, arg, times, cpu):
    """Three processes side by side, `pieces` for each; MiB managed."""
    preloaded = environment(None if arg.control else arg.library)
    envs = {'plain': environment(None), 'with': preloaded,
            'again': environment(None)}
    # what is started first may find other memory than what is started last
    all_of = {which: start(arg, envs[which], which)
              for which in random.sample(list(envs), len(envs))}
    try:
        for n in range(pieces):
            order = list(envs)
            order = order[n % 3:] + order[:n % 3]
            for which in order if n % 2 == 0 else reversed(order):
                times[which].append(all_of[which].piece())
        for which, one in all_of.items():
            cpu[which] += one.cpu()
        return managed_mib(all_of['with'].process)
    finally:
        for one in all_of.values():
            one.end()


def managed_mib(process):
    """Anonymous memory of a process in which the library is awake."""
    if not process:
        return 0
    with open(f'/proc/{process.pid}/maps') as f:
        if 'uzswap:ctl' not in f.read():
            return 0
    with open(f'/proc/{process.pid}/status') as f:
        return next(int(line.split()[1]) // 1024 for line in f
                    if line.startswith('RssAnon'))


def ratios(sets, which):
    """For each set the median of WHICH / plain, piece by piece."""
    return [statistics.median(a / b for a, b in zip(t[which], t['plain']))
            for t in sets]


def row(name, sets, cpu, managed):
    ms = {which: 1000 * statistics.median(x for t in sets for x in t[which])
          for which in cpu}
    of_sets = ratios(sets, 'with')
    ratio = statistics.mean(of_sets)
    half = T_95 * statistics.stdev(of_sets) / len(sets) ** 0.5
    print(f"{name:<12} {ms['plain']:8.3f} {ms['with']:8.3f} {ratio:8.4f} "
          f"{half:8.4f} "
          f"{statistics.mean(ratios(sets, 'again')):8.4f} "
          f"{cpu['with'] / max(cpu['plain'], 0.01):8.4f} {managed:8d}",
          flush=True)
    return ratio


def start_time(arg):
    out = subprocess.run([os.path.join(arg.build, 'start'), '400',
                          '' if arg.control else arg.library, 'true'],
                         capture_output=True, text=True, check=True,
                         env=environment(None)).stdout.split()
    print(f"\nstart of `true`: plain {float(out[0]) / 1000:.3f} ms, "
          f"with {float(out[1]) / 1000:.3f} ms, "
          f"difference {float(out[2]) / 1000:.3f} ms")


def main():
    opt = argparse.ArgumentParser(description='overhead without pressure')
    opt.add_argument('--library', required=True)
    opt.add_argument('--build', required=True)
    opt.add_argument('--scale', type=float, default=1)
    opt.add_argument('--control', action='store_true')
    opt.add_argument('only', nargs='*')
    arg = opt.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    worst = 0
    with tempfile.TemporaryDirectory(prefix='uzbench-') as arg.folder:
        print(f"{'workload':<12} {'plain ms':>8} {'with ms':>8} {'ratio':>8} "
              f"{'+-':>8} {'control':>8} {'cpu':>8} {'managed':>8}"
              f"{'   CONTROL: no library' if arg.control else ''}")
        for name, start, pieces, needs in WORKLOADS:
            if arg.only and not any(name.startswith(o) for o in arg.only):
                continue
            if not shutil.which(needs):
                print(f"{name:<12} SKIP: no {needs}")
                continue
            worst = max(worst, row(name, *measure(
                start, max(int(pieces * arg.scale), 6 * SETS), arg)))
    start_time(arg)
    print(f'worst ratio {worst:.4f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
