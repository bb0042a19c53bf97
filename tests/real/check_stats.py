#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check_stats.py FILE - do the sums of a `zctl stats --json` output close?

Finds the object that has managed_bytes (at the top or further in), checks

    managed_bytes == resident_bytes + stored_bytes + untouched_bytes

and prints one line with the figures.  Exit status: 0 they close, 1 they do
not or a field is missing, 2 the file is not such an output.
"""
import json
import sys


def find(node):
    if isinstance(node, dict):
        if 'managed_bytes' in node:
            return node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            found = find(part)
            if found:
                return found
    return None


def main():
    try:
        with open(sys.argv[1]) as f:
            stats = find(json.load(f))
    except (IndexError, OSError, ValueError) as e:
        print(f'stats: {e}')
        return 2
    if stats is None:
        print('stats: no managed_bytes in it')
        return 2
    names = ['managed', 'resident', 'stored', 'untouched', 'pool']
    value = {n: stats.get(n + '_bytes') for n in names}
    if not all(isinstance(v, int) for v in value.values()):
        print(f'stats: a field is missing or no integer: {value}')
        return 1
    text = ', '.join(f'{n} {v / (1 << 20):.1f}M' for n, v in value.items())
    ratio = value['stored'] / value['pool'] if value['pool'] else 0
    over = value['managed'] - value['resident'] - value['stored'] \
        - value['untouched']
    print(f'stats: {text}, ratio {ratio:.2f}, '
          + ('sums close' if over == 0 else f'sums are off by {over} bytes'))
    return 0 if over == 0 else 1


if __name__ == '__main__':
    sys.exit(main())
