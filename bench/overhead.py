#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""overhead.py - what the preloaded library costs a program with memory to spare.

Called by overhead.sh.  Runs each workload by turns without and with
LD_PRELOAD=LIBRARY, in alternating order, and prints for each the medians,
their ratio, and the ratio of CPU times (user + system, of all processes).
`spread` is the distance between the quartiles of the plain runs: a
ratio that is nearer to 1 than the spread says nothing.
"""
import argparse
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

PYTHON_WORK = '''
import json, random
rng = random.Random(1)
rows = [{'id': i, 'name': 'customer-%d' % i, 'score': rng.random(),
         'tags': [rng.randrange(1000) for _ in range(4)]}
        for i in range(200000)]
text = json.dumps(rows)
back = json.loads(text)
back.sort(key=lambda r: r['score'])
index = {}
for r in back:
    for t in r['tags']:
        index.setdefault(t, []).append(r['id'])
assert sum(map(len, index.values())) == 800000
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


def timed(command, env):
    t = time.monotonic()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - t


class Redis:
    name = 'redis'

    def __init__(self, arg):
        self.folder = arg.folder
        self.requests = str(300000 * arg.scale)
        self.missing = [p for p in ('redis-server', 'redis-benchmark')
                        if not shutil.which(p)]

    def run(self, env):
        sock = os.path.join(self.folder, 'redis.sock')
        server = subprocess.Popen(
            ['redis-server', '--port', '0', '--unixsocket', sock,
             '--save', '', '--appendonly', 'no', '--logfile',
             os.path.join(self.folder, 'redis.log')], env=env)
        try:
            end = time.monotonic() + 10
            while not os.path.exists(sock) and time.monotonic() < end:
                time.sleep(0.02)
            return timed(['redis-benchmark', '-s', sock, '-t', 'set,get',
                          '-n', self.requests, '-r', '150000', '-d', '1024',
                          '-c', '20', '-P', '4', '-q'], environment(None))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


class Compile:
    name = 'gcc -O2'

    def __init__(self, arg):
        self.source = os.path.join(arg.folder, 'source.c')
        write_c_source(self.source, 200 * arg.scale)
        self.missing = [] if shutil.which('gcc') else ['gcc']

    def run(self, env):
        return timed(['gcc', '-O2', '-c', '-o', '/dev/null', self.source],
                     env)


class Python:
    name = 'python3'
    missing = ()

    def __init__(self, arg):
        self.rounds = arg.scale

    def run(self, env):
        return timed(['/usr/bin/python3', '-c',
                      f'for _ in range({self.rounds}):\n'
                      + '\n'.join(' ' + x for x in PYTHON_WORK.split('\n'))],
                     env)


class Churn:
    name = 'mmap churn'
    missing = ()

    def __init__(self, arg):
        self.command = [os.path.join(arg.build, 'churn'),
                        str(1536 * arg.scale)]

    def run(self, env):
        return timed(self.command, env)


def cpu_seconds():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def measure(work, arg):
    """Interleaved runs; returns {which: [(wall, cpu), ...]}."""
    envs = {'plain': environment(None),
            'with': environment(None if arg.control else arg.library)}
    result = {'plain': [], 'with': []}
    work.run(envs['plain'])
    work.run(envs['with'])
    for n in range(arg.rounds):
        for which in ('plain', 'with') if n % 2 == 0 else ('with', 'plain'):
            cpu = cpu_seconds()
            wall = work.run(envs[which])
            result[which].append((wall, cpu_seconds() - cpu))
    return result


def row(name, result):
    wall = {k: statistics.median(w for w, _ in v) for k, v in result.items()}
    cpu = {k: statistics.median(c for _, c in v) for k, v in result.items()}
    quart = statistics.quantiles([w for w, _ in result['plain']], n=4)
    spread = (quart[2] - quart[0]) / wall['plain']
    ratio = wall['with'] / wall['plain']
    print(f"{name:<12} {wall['plain']:8.3f} {wall['with']:8.3f} {ratio:8.4f} "
          f"{cpu['with'] / cpu['plain']:8.4f} {spread:8.2%}", flush=True)
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
    opt.add_argument('--rounds', type=int, default=7)
    opt.add_argument('--scale', type=int, default=2)
    opt.add_argument('--control', action='store_true')
    opt.add_argument('only', nargs='*')
    arg = opt.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    worst = 0
    with tempfile.TemporaryDirectory(prefix='uzbench-') as arg.folder:
        print(f"{'workload':<12} {'plain s':>8} {'with s':>8} {'ratio':>8} "
              f"{'cpu':>8} {'spread':>8}   ({arg.rounds} runs each"
              f"{', CONTROL: no library in either' if arg.control else ''})")
        for kind in (Redis, Compile, Python, Churn):
            if arg.only and not any(kind.name.startswith(o)
                                    for o in arg.only):
                continue
            work = kind(arg)
            if work.missing:
                print(f"{kind.name:<12} SKIP: no {', '.join(work.missing)}")
                continue
            worst = max(worst, row(kind.name, measure(work, arg)))
    start_time(arg)
    print(f'worst ratio {worst:.4f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
