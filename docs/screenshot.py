#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn a terminal's screen into a picture.

    tmux capture-pane -ep -t TARGET | docs/screenshot.py >docs/top.svg

Reads text with the colours that zctl uses (SGR sequences) and writes SVG:
a picture that stays text, small enough for the repository.
"""

import re
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 8.4, 17          # of a character, in pixels
GROUND, TEXT = "#1b1e24", "#d7dae0"
COLORS = {1: "#e06c75", 2: "#98c379", 3: "#e5b567", 4: "#61a0ef",
          5: "#c678dd", 6: "#56b6c2", 7: "#d7dae0", 8: "#7a808c"}


def apply(style, codes):
    """The style after an SGR sequence."""
    codes = [int(c or 0) for c in codes.split(";")]
    at = 0
    while at < len(codes):
        code = codes[at]
        if code == 0:
            style = {}
        elif code == 1:
            style = dict(style, bold=True)
        elif code == 4:
            style = dict(style, under=True)
        elif code == 7:
            style = dict(style, reverse=True)
        elif code in (22, 24, 27):
            name = {22: "bold", 24: "under", 27: "reverse"}[code]
            style = {k: v for k, v in style.items() if k != name}
        elif 30 <= code <= 37:
            style = dict(style, color=COLORS.get(code - 30))
        elif 90 <= code <= 97:
            style = dict(style, color=COLORS.get(code - 90 or 8, TEXT))
            if code == 90:
                style["color"] = COLORS[8]
        elif code == 39:
            style = {k: v for k, v in style.items() if k != "color"}
        elif code == 38 and codes[at + 1:at + 2] == [5]:
            style = dict(style, color=COLORS.get(codes[at + 2], TEXT))
            at += 2
        at += 1
    return style


def runs(line, style):
    """Pieces of one style; the style at the end comes last."""
    pieces = []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line.replace("\x0f", "")):
        if part.startswith("\x1b["):
            style = apply(style, part[2:-1])
        elif part:
            pieces.append((part, style))
    return pieces, style


def draw(x, y, text, style):
    color, ground = style.get("color") or TEXT, None
    if style.get("reverse"):
        color, ground = GROUND, color
    if ground:
        print(f'<rect x="{x:.1f}" y="{y}" width="{len(text) * WIDTH:.1f}" '
              f'height="{HEIGHT}" fill="{ground}"/>')
    if not text.strip():
        return
    more = ' font-weight="bold"' if style.get("bold") else ""
    if style.get("under"):
        more += ' text-decoration="underline"'
    print(f'<text x="{x:.1f}" y="{y + 13}" fill="{color}"{more} '
          f'textLength="{len(text) * WIDTH:.1f}" xml:space="preserve">'
          f'{escape(text)}</text>')


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    width = max(80, max(len(line) for line in plain)) * WIDTH + 16
    height = len(lines) * HEIGHT + 16
    print("<!-- SPDX-License-Identifier: MIT -->")
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
          f'height="{height}" font-family="DejaVu Sans Mono, monospace" '
          f'font-size="14">')
    print(f'<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>')
    style = {}
    for row, line in enumerate(lines):
        pieces, style = runs(line, style)
        column = 0
        for text, piece in pieces:
            draw(8 + column * WIDTH, 8 + row * HEIGHT, text, piece)
            column += len(text)
    print("</svg>")


main()
