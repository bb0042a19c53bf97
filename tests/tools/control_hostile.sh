#!/bin/sh
# SPDX-License-Identifier: MIT
#
# control_hostile.sh - zctl set, reclaim, off and on with control pages of
# every kind: the right exit status and a sentence, never a crash, no control
# characters, in bounded time.  And a real process whose control page is full
# of garbage lives, and its memory is right.

. "$(dirname "$0")/lib.sh"

build_fake

# clean: nothing but printable characters and newlines
clean()
{
	bad=$(LC_ALL=C tr -d '\n\040-\176' <"$work/out" | wc -c)
	[ "$bad" = 0 ] || fault "$1: $bad control characters"
}

# each STATUS TEXT: all commands, or the first where each one waits
each()
{
	for command in 'set limit=1G' 'reclaim all' off on; do
		case $mode$command in
		ctl-silent[ro]* | ctl-taken[ro]*) continue ;;
		esac
		# shellcheck disable=SC2086 # words
		set -- "$1" "$2" $command
		expect "$1" "$2" timeout 20 "$zctl" "$3" "$pid" $4
		clean "$mode $3"
	done
}

fake ctl-obeys
expect 0 'limit 1G -> 1G' "$zctl" set "$pid" limit=1G
expect 0 'reclaimed 0B' "$zctl" reclaim "$pid" all
expect 0 'restored 0B' "$zctl" off "$pid"
expect 0 'stay stored' "$zctl" off --keep "$pid"
expect 0 'on' "$zctl" on "$pid"
expect 1 'no pages to look at' "$zctl" reclaim --dry-run "$pid" all
# what this zctl does not know is shown, and not sent
expect 0 'colour' "$zctl" set "$pid"
expect 2 'unknown option' "$zctl" set "$pid" colour=blue
end_fake

# whatever comes back is told in one sentence, or is a number
fake ctl-garbage
for i in 1 2 3 4; do
	for command in 'set limit=1G' 'set' 'reclaim all' 'reclaim --dry-run 1G' \
		off 'off --json' 'reclaim --json 5%' on stats 'stats --json'; do
		# shellcheck disable=SC2086 # words
		set -- $command
		verb=$1
		shift
		timeout 20 "$zctl" "$verb" "$pid" "$@" >"$work/out" 2>&1
		got=$?
		case $got in
		0 | 1 | 3) ;;
		*) fault "garbage $i: $command: $got: $(cat "$work/out")" ;;
		esac
		grep -q -e Sanitizer -e 'runtime error' "$work/out" &&
			fault "$(cat "$work/out")"
		clean "garbage $command"
	done
done
end_fake

for mode in magic version old gone unsealed silent taken racing; do
	case $mode in
	magic) text='its control page is not one' ;;
	version) text='control page of version 77, this zctl speaks 1' ;;
	old) text='there cannot do that' ;;
	gone) text='has stepped aside' ;;
	unsealed) text='it has no control page' ;;
	silent) text='no answer within 2s' ;;
	taken) text='still busy with what another zctl asked for' ;;
	racing) text='somebody else writes its control page' ;;
	esac
	fake "ctl-$mode"
	each 1 "$text"
	end_fake
done

# it ends in the middle
for command in 'set limit=1G' 'reclaim all' off on; do
	fake ctl-dies
	# shellcheck disable=SC2086 # words
	set -- $command
	expect 4 'the process has ended' timeout 20 "$zctl" "$1" "$pid" $2
done

# no control page at all: an older library
fake good
mode=good
each 1 'it has no control page'
end_fake

# a real one, whose page others write to
lib=$UZ_BUILDDIR/.libs/libuzswap.so.0
[ -z "$UZ_SANITIZE" ] && [ -e "$lib" ] && command -v python3 >/dev/null ||
	finish
cp "$lib" "$library"
cat >"$work/holder.py" <<'END'
import os, sys
texts = [("%d " % i).encode() * 200 for i in range(80000)]
print(os.getpid(), flush=True)
for line in sys.stdin:
    right = all(t == ("%d " % i).encode() * 200 for i, t in enumerate(texts))
    print("right" if right else "WRONG", flush=True)
END
cat >"$work/scribble.py" <<'END'
# Requests of every kind and none, answers, words: whatever, for seconds.
import mmap, os, random, struct, sys, time
random.seed(int(sys.argv[2]))
f = os.open(sys.argv[1], os.O_RDWR)
m = mmap.mmap(f, 8192, offset=65536)
end = time.time() + float(sys.argv[3])
texts = [b"limit=1G\0", b"limit=80M\0accept_percent=60\0", b"name=x\0" * 200,
         b"limit=1G", b"compressor=zstd:3\0", b"=\0=\0", b"\xff" * 2048]
for n in range(10**9):
    if time.time() > end:
        break
    what = random.randrange(8)
    if what == 0:
        at = random.randrange(8192 - 64)
        m[at:at + 64] = random.randbytes(64)
    elif what == 1:
        m[16:20] = random.randbytes(4)
    else:
        text = random.choice(texts)
        m[40:80] = struct.pack("<IIQQQQ", random.choice([0, 1, 1, 2, 3, 4, 5,
            6, 9, 2**31]), random.choice([len(text), 0, 2048, 2**32 - 1]),
            random.choice([0, 1, 1 << 20, 1 << 30, 2**64 - 1]),
            random.choice([0, 1, 50, 100, 2**64 - 1]), 0, 0)
        m[80:80 + len(text)] = text
        m[16:20] = struct.pack("<I", (n & 0xffffff) << 2 | 1)
    time.sleep(random.choice([0, 0, 0.001, 0.02]))
END
mkfifo "$work/in"
"$zctl" run --name "$label" -- python3 "$work/holder.py" <"$work/in" \
	>"$work/said" 2>"$work/err" &
pids="$pids $!"
exec 3>"$work/in"
n=0
until "$zctl" list -n "$label" 2>/dev/null | grep -q active; do
	n=$((n + 1))
	[ $n -lt 100 ] || finish	# no userfaultfd here
	sleep 0.1
done
pid=$(cat "$work/said")
pids="$pids $pid"
page=$(for fd in "/proc/$pid/task"/*/fd/*; do
	case $(readlink "$fd") in */memfd:uzswap:ctl*) echo "$fd" ;; esac
done | head -n 1)
for seed in 1 2 3; do
	python3 "$work/scribble.py" "$page" $seed 1 || fault 'cannot scribble'
	echo check >&3
	sleep 0.2
done
exec 3>&-
n=0
until [ "$(wc -l <"$work/said")" -ge 4 ]; do
	n=$((n + 1))
	[ $n -lt 200 ] || break
	sleep 0.1
done
[ "$(grep -c right "$work/said")" = 3 ] ||
	fault "scribbled on: $(cat "$work/said" "$work/err")"
finish
