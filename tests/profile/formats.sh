#!/bin/sh
# SPDX-License-Identifier: MIT
#
# formats.sh - a recording in every format and view, read by others: pprof by
# `go tool pprof` where that is installed.  And what is no recording.

# shellcheck source=tests/profile/lib.sh
. "$(dirname "$0")/lib.sh"

needs python3 readelf strip objcopy
compile known_sites known_sites.c -fomit-frame-pointer
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
python3 "$here/check_formats.py" rec.folded rec.pprof \
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
	# the bytes are its own, and not those of a hook it calls
	awk '$NF == "site_text" && $1 != "0" { found = 1 }
		END { exit !found }' "$work/out" ||
		fault 'pprof: site_text has no bytes of its own'
else
	echo '# go is not installed: pprof was read by check_formats.py only'
fi

# a flame graph tool, from npm
if command -v stackvis >/dev/null; then
	stackvis collapsed flamegraph-svg <rec.folded >rec.svg ||
		fault "stackvis: status $?"
	grep -q 'site_text' rec.svg || fault 'stackvis: no site_text'
else
	echo '# stackvis is not installed: check_formats.py alone read stacks'
fi

# symbols again, elsewhere: from the file, and not from one that has changed
mkdir -p root"$work"
cp known_sites root"$work"
expect 0 'site_text known_sites.c' "$zctl" profile --sysroot root --cold 2s rec

# debug information apart from the program, by build id
id=$(readelf -n known_sites | sed -n 's/.*Build ID: *//p')
apart=root/usr/lib/debug/.build-id/$(echo "$id" | cut -c 1-2)
strip -o root"$work"/known_sites known_sites
expect 0 'known_sites+0x' "$zctl" profile --sysroot root --cold 2s rec
mkdir -p "$apart"
objcopy --only-keep-debug known_sites \
	"$apart/$(echo "$id" | cut -c 3-).debug"
expect 0 'site_text known_sites.c:' "$zctl" profile --sysroot root \
	--cold 2s rec
rm -r root/usr
compile root"$work/known_sites" known_sites.c -O0
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

# the thread that allocates, if it has a name of its own
expect 0 'CALL SITE' "$zctl" profile rec
lacks '[worker]'
zcat rec | sed 's/"thread": *"[^"]*"/"thread": "worker"/' >named
expect 0 '  [worker]' "$zctl" profile named

# what storing would save
expect 0 'IDLE AT LEAST' "$zctl" forecast rec
expect 0 '"schema": "uzswap.forecast.v1"' "$zctl" forecast --json --age 2s rec
expect 1 'nothing is known' "$zctl" forecast --age 1h rec
expect 2 'no process or file' "$zctl" forecast

# what is no recording
head -c 2000 rec >damaged
expect 1 "damaged: " "$zctl" profile damaged
echo '{"schema": "other"}' >other
expect 1 "'schema' is wrong" "$zctl" profile other
expect 1 'not JSON' "$zctl" profile /dev/null
expect 1 'No such file' "$zctl" profile nothing
expect 2 'one of' "$zctl" profile --view all rec
expect 4 'no such process' "$zctl" profile 999999999
expect 1 "damaged: " "$zctl" forecast damaged

finish
