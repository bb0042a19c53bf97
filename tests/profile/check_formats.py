# SPDX-License-Identifier: MIT
"""Check what `zctl profile --format` makes of a recording of known_sites.

    check_formats.py FOLDED PPROF GNUPLOT SUMMARY

The pprof message is taken apart here by the wire format alone, so that
nothing but its specification is trusted.
"""
import gzip
import json
import sys


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value = data[at:at + length]
            assert len(value) == length
            at += length
        else:
            raise AssertionError("wire type %d" % (key & 7))
        yield key >> 3, value


def packed(parts):
    """A repeated number: each of PARTS is one, or many in a row."""
    out = []
    for part in parts:
        if isinstance(part, int):
            out.append(part)
            continue
        at = 0
        while at < len(part):
            value, at = varint(part, at)
            out.append(value)
    return out


def message(data):
    out = {}
    for field, value in fields(data):
        out.setdefault(field, []).append(value)
    return out


folded = {}
with open(sys.argv[1], encoding="utf-8") as f:
    for line in f:
        stack, size = line.rsplit(" ", 1)
        folded[stack.split(";")[-1]] = int(size)
assert folded["site_text"] > 1 << 20, folded
assert folded.get("site_hot", 0) < folded["site_text"] / 10, folded

with gzip.open(sys.argv[2]) as f:
    profile = message(f.read())
strings = [s.decode() for s in profile[6]]
assert strings[0] == ""
types = [message(t) for t in profile[1]]
names = [strings[t[1][0]] for t in types]
assert names[0] == "cold" and strings[profile[14][0]] == "cold", names
functions = {}
for f in profile[5]:
    m = message(f)
    functions[m[1][0]] = strings[m[2][0]]
locations = {}
for l in profile[4]:
    m = message(l)
    locations[m[1][0]] = [functions[message(x)[1][0]] for x in m.get(4, [])]
mappings = [message(m) for m in profile[3]]
assert any(strings[m[5][0]].endswith("known_sites") and strings[m[6][0]]
           for m in mappings)
seen = {}
for s in profile[2]:
    m = message(s)
    values = packed(m[2])
    assert len(values) == len(names)
    for loc in packed(m.get(1, [])):
        for name in locations[loc]:
            seen[name] = seen.get(name, 0) + values[0]
assert abs(seen["site_text"] - folded["site_text"]) <= 1, seen
assert seen["main"] >= seen["site_text"] + seen["site_small"]

rows = 0
with open(sys.argv[3], encoding="utf-8") as f:
    for line in f:
        words = line.split()
        if len(words) == 3 and words[0] != "#":
            assert -1 <= int(words[2]) <= 9
            rows += 1
assert rows > 100, rows

with open(sys.argv[4], encoding="utf-8") as f:
    summary = json.load(f)
assert summary["schema"] == "uzswap.profile-summary.v1"
lines = [fr.get("line") for s in summary["sites"] for fr in s["stack"]
         if fr["function"] == "site_text"]
assert any(lines), "no line of site_text"
print("folded, pprof, gnuplot and json agree")
