#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""py_objects.py MIB - a Python process full of ordinary objects.

Builds records (dicts with strings, ints, floats, lists of tuples, nested
dicts, bytes) in a dict by name until their memory comes to about MIB, then
walks and changes them at random, checking what it reads, and in the end
makes every record again from its number and version and compares it.

The allocator is CPython's own (arenas from mmap, larger objects from malloc)
and the cyclic collector runs as it likes.  REAL_HOLD=FILE in the environment:
create FILE when all is verified and wait until it is removed.

Exit status: 0 right, 1 something differed, 99 bad usage.
"""
import os
import random
import sys
import time

RECORD_BYTES = 3080      # measured: resident memory per record


def word_list():
    rng = random.Random(7)
    part = ['ba', 're', 'co', 'do', 'me', 'fi', 'ga', 'ni', 'ho', 'la', 'ki',
            'mu', 'lo', 'ne', 'pa', 'ri', 'to', 'se', 'tu', 'va', 'we', 'xy']
    words = ['the', 'of', 'and', 'to', 'in', 'order', 'is', 'account', 'for',
             'with', 'payment', 'from', 'this', 'has', 'been', 'was', 'not']
    words += [''.join(rng.choices(part, k=rng.randint(2, 5)))
              for _ in range(600)]
    return words


def sentences(count):
    """A pool of sentences; texts are slices of it joined anew."""
    rng = random.Random(11)
    words = word_list()
    weight = [1 / (i + 3) for i in range(len(words))]
    return [' '.join(rng.choices(words, weight, k=rng.randint(6, 14)))
            for _ in range(count)]


POOL = sentences(3000)
CITY = ['Amsterdam', 'Barcelona', 'Chicago', 'Dresden', 'Edinburgh',
        'Florence', 'Gdansk', 'Helsinki', 'Istanbul', 'Jakarta', 'Kyoto']


def record(number, version):
    """The one right value of a record; no randomness but its two numbers."""
    h = (number * 0x9e3779b97f4a7c15 + version * 0xd1342543de82ef95) \
        & 0xffffffffffffffff
    h ^= h >> 29
    a, b, c = h % 3000, (h >> 12) % 3000, (h >> 24) % 3000
    return {
        'id': number,
        'version': version,
        'name': f'customer-{number:08d}',
        'token': f'{h:016x}',
        'balance': (h & 0xffffff) / 100,
        'text': f'{POOL[a]}. Reference {number}: {POOL[b]}. {POOL[c]}.',
        'lines': [(POOL[(a + i) % 3000][:20], (h >> i) & 0x3fff, i * 1.25)
                  for i in range(4 + h % 5)],
        'address': {'city': CITY[h % 11], 'street': f'{h >> 40 & 0xff} Road',
                    'zip': 10000 + (h >> 16) % 90000},
        'history': list(range(number * 10, number * 10 + 8)),
        'blob': (number.to_bytes(8, 'little') + b'\x01\x00\x02\x00'
                 + version.to_bytes(4, 'little')) * 4
        + h.to_bytes(8, 'little') + POOL[c].encode(),
    }


def name(number):
    return f'record:{number}'


def build(count):
    return {name(i): record(i, 0) for i in range(count)}


def check(table, number, version, wrong):
    got = table.get(name(number))
    want = record(number, version)
    if got != want:
        if len(wrong) < 5:
            field = [k for k in want if not got or got.get(k) != want[k]]
            print(f'WRONG record {number} version {version}: {field}')
        wrong.append(number)


def walk(table, versions, operations, wrong):
    """Reads, changes in place, replacements and new neighbours."""
    rng = random.Random(3)
    count = len(versions)
    for _ in range(operations):
        number = int(count * rng.random() ** 2)
        kind = rng.random()
        if kind < 0.5:
            check(table, number, versions[number], wrong)
        elif kind < 0.8:
            versions[number] += 1
            table[name(number)] = record(number, versions[number])
        else:
            versions[number] += 1
            new = record(number, versions[number])
            old = table[name(number)]
            for key in old:
                old[key] = new[key]


def hold():
    path = os.environ.get('REAL_HOLD')
    if not path:
        return
    with open(path, 'w'):
        pass
    for _ in range(300):
        if not os.path.exists(path):
            break
        time.sleep(0.1)


def peak_mib():
    with open('/proc/self/status') as status:
        for line in status:
            if line.startswith('VmHWM'):
                return int(line.split()[1]) >> 10
    return 0


def main():
    try:
        mib = int(sys.argv[1])
    except (IndexError, ValueError):
        print('usage: py_objects.py MIB', file=sys.stderr)
        return 99
    count = (mib << 20) // RECORD_BYTES
    wrong = []
    t0 = time.monotonic()
    table = build(count)
    versions = [0] * count
    t1 = time.monotonic()
    walk(table, versions, count, wrong)
    t2 = time.monotonic()
    for number in range(count):
        check(table, number, versions[number], wrong)
    t3 = time.monotonic()
    print(f'python {mib} MiB in {count} records: build {t1 - t0:.1f} s, '
          f'walk {t2 - t1:.1f} s, verify {t3 - t2:.1f} s, '
          f'VmHWM {peak_mib()} MiB, {len(wrong)} wrong', flush=True)
    hold()
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
