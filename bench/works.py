# SPDX-License-Identifier: MIT
"""works.py - what bench/run runs: programs with their sizes, and how to read
what they print.

A work has a name, the bytes it takes (size), the limit of zram's group, a
command that may get a prefix, and parse(), which makes of the lines printed
{figure: (value, 'higher' or 'lower' is better)}.
"""
import os
import re
import shutil
import subprocess

from overhead import write_c_source

HERE = os.path.dirname(os.path.abspath(__file__))
REAL = os.path.join(HERE, '..', 'tests', 'real')
LIB = os.path.join(HERE, '..', 'tests', 'lib')
PYTHON = '/usr/bin/python3'
MIB = 1 << 20


def compile_c(out, *sources):
    subprocess.run([os.environ.get('CC', 'cc'), '-std=gnu11', '-O2', '-I',
                    REAL, '-o', out, *sources, '-lm', '-pthread'],
                   check=True)
    return out


def needs(*programs):
    return ', '.join(p for p in programs if not shutil.which(p))


class Memory:
    """memory.c: one array, many ways to use it."""
    name = 'memory'
    missing = ''
    PHASES = ('fill,scan,touch,zipf,zipfrw,zipf2,zipfrw2,hot,move,fork,'
              'verify')
    LOWER = ('us', 's', 'miss')

    def __init__(self, arg, folder):
        self.size = arg.mib * MIB
        self.limit = self.size * arg.limit // 100
        self.program = compile_c(
            os.path.join(folder, 'memory'), f'{HERE}/memory.c',
            f'{HERE}/records.c', f'{REAL}/data.c', f'{REAL}/data_out.c')
        self.options = ['--mib', str(arg.mib), '--seconds', str(arg.seconds),
                        *(arg.phases or self.PHASES).split(',')]

    def command(self, prefix):
        return [*prefix, self.program, *self.options]

    def parse(self, lines):
        found = {}
        for _, line in lines:
            words = line.split()
            if words[:1] != ['end']:
                continue
            for pair in words[2:]:
                name, value = pair.split('=')
                lower = re.split('[_.0-9]', name)[-1] in self.LOWER
                found[f'{words[1]} {name}'] = \
                    (float(value), 'lower' if lower else 'higher')
        return found


class Redis:
    """Redis with mixed values; half of the commands are SETs, zipfian."""
    name = 'redis'
    missing = needs('redis-server', 'redis-cli')

    def __init__(self, arg, folder):
        self.size = arg.mib * MIB
        self.limit = self.size * arg.limit // 100
        self.seconds = str(int(max(arg.seconds, 3) * 2))
        self.client = compile_c(
            os.path.join(folder, 'client'), f'{REAL}/redis_client.c',
            f'{REAL}/resp.c', f'{REAL}/data.c', f'{REAL}/data_out.c')

    def command(self, prefix):
        # the client is a guest in the group: it keeps 4 bytes a key
        return [PYTHON, f'{REAL}/redis_load.py', '--client', self.client,
                '--server', ' '.join([*prefix, 'redis-server']), '--',
                '--data', 'mixed', '--bytes', str(self.size), '--seconds',
                self.seconds]

    def parse(self, lines):
        found = {}
        for _, line in lines:
            m = re.match(r'(load|mix|verify) .* s, (\d+)/s, batch p50 (\d+) '
                         r'us .*p99\.9 (\d+) us', line)
            if m:
                found[m[1] + ' per s'] = (float(m[2]), 'higher')
                found[m[1] + ' p50 us'] = (float(m[3]), 'lower')
                found[m[1] + ' p99.9 us'] = (float(m[4]), 'lower')
        return found


class Script:
    """A program of tests/real that says how long its parts took."""
    missing = ''

    def __init__(self, arg, folder):
        mib = arg.mib * self.SHARE // 100
        self.size = mib * MIB
        self.limit = self.size * arg.limit // 100
        self.args = [PYTHON, os.path.join(REAL, self.FILE), str(mib)]

    def command(self, prefix):
        return [*prefix, *self.args]

    def parse(self, lines):
        found = {}
        for _, line in lines:
            for part, seconds in re.findall(r'(\w+) (\d+\.\d) s\b', line):
                found[part + ' s'] = (float(seconds), 'lower')
        return found


class Python(Script):
    name, FILE, SHARE = 'python', 'py_objects.py', 75


class Sqlite(Script):
    name, FILE, SHARE = 'sqlite', 'sqlite_memory.py', 75


class Compile:
    """gcc -O2 of one large file."""
    name = 'compile'
    missing = needs('gcc')

    def __init__(self, arg, folder):
        self.source = os.path.join(folder, 'large.c')
        functions = arg.mib * 4
        write_c_source(self.source, functions)
        self.size = int(functions * 0.11 * MIB)  # cc1, roughly
        self.limit = self.size * arg.limit // 100

    def command(self, prefix):
        return [*prefix, 'gcc', '-O2', '-c', '-o', '/dev/null', self.source]

    def parse(self, lines):
        return {}


WORKS = {w.name: w for w in (Memory, Redis, Python, Sqlite, Compile)}
