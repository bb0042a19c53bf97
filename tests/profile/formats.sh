#!/bin/sh
# SPDX-License-Identifier: MIT
#
# formats.sh - a recording in every format and view, read by others: pprof by
# `go tool pprof` where that is installed.  And what is no recording.

src=${UZ_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
top=$(cd "${UZ_BUILDDIR:-$src}" && pwd)
zctl=$top/zctl

[ -x "$zctl" ] || { echo "$zctl: not built"; exit 99; }
[ -e "$top/.libs/libuzswap.so.0" ] || { echo 'SKIP: no library'; exit 77; }
command -v python3 >/dev/null || { echo 'SKIP: no python3'; exit 77; }
"$zctl" run --require --dry-run true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd'; exit 77; }
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work" || exit 99
faults=0

fault()
{
	echo "$*"
	faults=$((faults + 1))
}

# expect STATUS TEXT COMMAND...
expect()
{
	status=$1
	text=$2
	shift 2
	"$@" >out 2>&1 </dev/null
	got=$?
	[ $got = "$status" ] || fault "$*: status $got: $(head -n 3 out)"
	grep -qF -e "$text" out || fault "$*: no '$text' in: $(cat out)"
}

${CC:-cc} -std=gnu11 -O1 -g -fomit-frame-pointer -o known_sites \
	"$src/tests/profile/known_sites.c" || exit 99
"$zctl" profile run --cold 2s -o rec -- ./known_sites 16 8 </dev/null >log \
	2>&1 || fault "profile run: $(cat log)"
grep -q 'site_text known_sites.c:[0-9]* <- main' log ||
	fault "no site_text in: $(cat log)"
expect 1 'use --force' "$zctl" profile -o rec rec
expect 0 'REFAULTS SEEN' "$zctl" profile --view ages rec
expect 0 '9 all used' "$zctl" profile --view heat rec
expect 0 'how well it packs' "$zctl" profile --view faults rec
expect 0 'anon' "$zctl" profile --view vmas --cold 2s rec
expect 0 'site_text  ' "$zctl" profile --stacks --cold 2s rec
expect 0 '0B of 0B allocated' "$zctl" profile --base rec rec
for format in folded pprof gnuplot json; do
	"$zctl" profile --cold 2s --format $format rec >rec.$format ||
		fault "--format $format: status $?"
done
python3 "$src/tests/profile/check_formats.py" rec.folded rec.pprof \
	rec.gnuplot rec.json || fault 'a format is wrong'
# the report: whole, and loads nothing
"$zctl" profile --cold 2s --format html rec >rec.html || fault 'html'
grep -q '</html>' rec.html || fault 'the report is not whole'
grep -q 'site_text' rec.html || fault 'the report has no site_text'
grep -nE '(src|href)=|@import|https?://|@DATA@' rec.html &&
	fault 'the report asks for something else'
if command -v chromium >/dev/null; then
	timeout 60 chromium --headless --no-sandbox --disable-gpu \
		--user-data-dir="$work/chromium" --dump-dom \
		"file://$work/rec.html" >dom 2>/dev/null
	grep -q '<summary><code>site_text' dom ||
		fault 'the report draws nothing in chromium'
fi
if command -v go >/dev/null; then
	expect 0 'site_text' env HOME="$work" go tool pprof -top rec.pprof
else
	echo '# go is not installed: pprof was read by check_formats.py only'
fi

# symbols again, elsewhere: from the file, and not from one that has changed
mkdir -p root"$work"
cp known_sites root"$work"
expect 0 'site_text known_sites.c' "$zctl" profile --sysroot root --cold 2s rec
${CC:-cc} -std=gnu11 -O0 -g -o root"$work/known_sites" \
	"$src/tests/profile/known_sites.c" || exit 99
expect 0 'known_sites+0x' "$zctl" profile --sysroot root --cold 2s rec

# no debug information, no symbols at all
cp known_sites stripped
strip stripped
"$zctl" profile run --cold 1s -- ./stripped 8 5 </dev/null >log \
	2>&1 ||
	fault "stripped: $(cat log)"
grep -q 'stripped+0x' log || fault "stripped: $(cat log)"

# its own exit status; a program that is too small; one that is not there
expect 7 'before it had 8M' "$zctl" profile run sh -c 'exit 7'
expect 127 'nothing_there' "$zctl" profile run ./nothing_there

# what is no recording
head -c 2000 rec >damaged
expect 1 "damaged: " "$zctl" profile damaged
echo '{"schema": "other"}' >other
expect 1 "'schema' is wrong" "$zctl" profile other
expect 1 'not JSON' "$zctl" profile /dev/null
expect 1 'No such file' "$zctl" profile nothing
expect 2 'one of' "$zctl" profile --view all rec
expect 4 'no such process' "$zctl" profile 999999999

[ $faults = 0 ]
