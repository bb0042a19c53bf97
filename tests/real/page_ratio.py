#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""page_ratio.py PID... - how well a process's memory compresses, page by page.

Reads a sample of the private anonymous writable pages of each process from
/proc/PID/mem, compresses every 4 KiB page by itself with LZ4 (liblz4.so.1 of
the system, LZ4_compress_default), and prints

    pages   resident anonymous pages, and how many of them were sampled
    zero    share of pages that hold nothing but zeros
    same    share of pages made of one repeated 8-byte word (zeros included)
    ratio   bytes of the sampled pages / bytes after compression
    nozero  the same without the zero pages
    refused share of pages that do not shrink to 75 %
    equal   what equal pages would save, if one of them were stored for all:
            share of all pages, and of the bytes after compression; pages of
            one word are not counted.  All pages are looked at.

Pages that do not shrink to 75 % count at their full size, as a store that
refuses them would leave them; zero pages count as nothing.
Options: --sample N (pages per process, default 20000), --seed N, --json,
--pack BYTES (size of the objects is rounded up to this; default 1).
"""
import argparse
import ctypes
import hashlib
import json
import os
import random
import struct
import sys

PAGE = 4096
REFUSE = PAGE * 3 // 4


def anonymous_pages(pid):
    """Numbers of the resident pages in private anonymous rw mappings."""
    pages = []
    with open(f'/proc/{pid}/maps') as maps, \
            open(f'/proc/{pid}/pagemap', 'rb', 0) as pagemap:
        for line in maps:
            field = line.split(None, 5)
            name = field[5].strip() if len(field) > 5 else ''
            if not field[1].startswith('rw') or field[1][3] != 'p':
                continue
            if field[4] != '0' or name in ('[vvar]', '[vsyscall]'):
                continue
            start, end = (int(x, 16) // PAGE for x in field[0].split('-'))
            while start < end:
                part = min(end - start, 1 << 16)
                pagemap.seek(start * 8)
                data = pagemap.read(part * 8)
                words = struct.unpack(f'{len(data) // 8}Q', data)
                pages += [start + i for i, w in enumerate(words) if w >> 63]
                start += part
    return pages


class Lz4:
    def __init__(self):
        self.lib = ctypes.CDLL('liblz4.so.1')
        self.room = self.lib.LZ4_compressBound(PAGE)
        self.dst = ctypes.create_string_buffer(self.room)

    def size(self, page):
        return self.lib.LZ4_compress_default(page, self.dst, PAGE, self.room)


class Equal:
    """Pages that were met before: how many, and their packed bytes."""
    def __init__(self, size_of):
        self.size_of = size_of
        self.met = set()
        self.pages = self.size = 0

    def look(self, page):
        key = hashlib.blake2b(page, digest_size=16).digest()
        if key in self.met:
            self.pages += 1
            self.size += self.size_of(page)
        self.met.add(key)


def is_same_filled(page):
    return page == page[:8] * (PAGE // 8)


def find_equal(mem, pages, size_of):
    equal = Equal(size_of)
    for number in pages:
        try:
            mem.seek(number * PAGE)
            page = mem.read(PAGE)
        except OSError:
            continue
        if len(page) == PAGE and not is_same_filled(page):
            equal.look(page)
    return equal


def stored_size(lz4, page, pack):
    """What a page takes; one that does not pay takes a whole page."""
    size = lz4.size(page)
    return PAGE if size > REFUSE else -(-size // pack) * pack


def measure(pid, count, seed, pack):
    pages = anonymous_pages(pid)
    rng = random.Random(seed)
    picked = sorted(rng.sample(pages, min(count, len(pages))))
    lz4 = Lz4()
    zeros = same = refused = stored = lost = 0
    with open(f'/proc/{pid}/mem', 'rb', 0) as mem:
        for number in picked:
            try:
                mem.seek(number * PAGE)
                page = mem.read(PAGE)
            except OSError:
                page = b''
            if len(page) != PAGE:
                lost += 1
                continue
            if is_same_filled(page):
                same += 1
                if page[0:8] == bytes(8):
                    zeros += 1
                continue
            size = stored_size(lz4, page, pack)
            refused += size == PAGE
            stored += size
        equal = find_equal(mem, pages,
                           lambda page: stored_size(lz4, page, pack))
    n = len(picked) - lost
    stored = max(stored, 1)
    return {
        'pid': pid, 'resident_pages': len(pages), 'sampled_pages': n,
        'zero_share': round(zeros / max(n, 1), 4),
        'same_share': round(same / max(n, 1), 4),
        'refused_share': round(refused / max(n, 1), 4),
        'equal_share': round(equal.pages / max(len(pages), 1), 4),
        'equal_packed_share': round(equal.size * n /
                                    (stored * max(len(pages), 1)), 4),
        'ratio': round(n * PAGE / stored, 3),
        'ratio_without_zero': round((n - zeros) * PAGE / stored, 3),
    }


def main():
    opt = argparse.ArgumentParser(description='LZ4 ratio at 4 KiB')
    opt.add_argument('pid', nargs='+', type=int)
    opt.add_argument('--sample', type=int, default=20000)
    opt.add_argument('--seed', type=int, default=1)
    opt.add_argument('--pack', type=int, default=1)
    opt.add_argument('--json', action='store_true')
    arg = opt.parse_args()
    for pid in arg.pid:
        try:
            r = measure(pid, arg.sample, arg.seed, arg.pack)
        except OSError as e:
            print(f'page_ratio: {pid}: {os.strerror(e.errno)}',
                  file=sys.stderr)
            return 1
        if arg.json:
            print(json.dumps(r))
        else:
            print(f"{pid}: {r['resident_pages']} pages "
                  f"({r['resident_pages'] * PAGE >> 20} MiB), "
                  f"{r['sampled_pages']} sampled, "
                  f"zero {r['zero_share']:.1%}, same {r['same_share']:.1%}, "
                  f"ratio {r['ratio']:.2f}, "
                  f"nozero {r['ratio_without_zero']:.2f}, "
                  f"refused {r['refused_share']:.1%}, "
                  f"equal {r['equal_share']:.1%} "
                  f"({r['equal_packed_share']:.1%} of the packed bytes)")
    return 0


if __name__ == '__main__':
    sys.exit(main())
