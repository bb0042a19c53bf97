#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debuggers.sh - what uzswap(7) says of debuggers: strace, perf and gdb attach
# and let go without harm; gdb reads a stored page as an error, never as wrong
# bytes, and after zctl off as what it is; so does the core that gcore writes;
# under valgrind the library steps aside.

. "$(dirname "$0")/lib.sh"

for needs in gdb gcore strace; do
	command -v $needs >/dev/null || skip "$needs is not installed"
done
[ -z "$UZ_SANITIZE" ] || skip 'the library is not built with sanitizers'
[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'no library was built'
cp "$UZ_BUILDDIR/.libs/libuzswap.so.0" "$library" || broken 'no library'

PAGES=16384	# 64 MiB
# Page N begins with the word 1000000 + N.
cat >"$work/holder.c" <<END
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned long *data;

int main(void)
{
	char line[64];

	data = mmap(NULL, $PAGES * 4096ul, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned long n = 0; n < $PAGES; n++)
		for (unsigned i = 0; i < 512; i++)
			data[n * 512 + i] = 1000000 + n + i / 8;
	printf("%d\n", (int)getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long wrong = 0;

		for (unsigned long n = 0; n < $PAGES; n++)
			for (unsigned i = 0; i < 512; i++)
				wrong += data[n * 512 + i] !=
					 1000000 + n + i / 8;
		printf("%s\n", wrong ? "WRONG" : "right");
		fflush(stdout);
	}
	return 0;
}
END
${CC:-cc} -g -O1 -o "$work/holder" "$work/holder.c" || broken 'no compiler'

checks=0
check()
{
	checks=$((checks + 1))
	echo check >&3
	wait_for '[ "$(wc -l <"$work/said")" -gt "$checks" ]' ||
		fault "$1: no answer of the program"
	[ "$(tail -n 1 "$work/said")" = right ] || fault "$1: memory is wrong"
}

# What gdb reads at the beginning of the pages 10, 110, 210 ...: a word or
# "none" each.
words() # GDB-ARGUMENT...
{
	set -- "$@" -batch -nx -iex 'set debuginfod enabled off' \
		-iex 'set auto-load off'
	n=10
	while [ $n -lt $PAGES ]; do
		set -- "$@" -ex "x/gd data + $n * 512"
		n=$((n + 100))
	done
	gdb "$@" 2>&1 | sed -n 's/^0x[0-9a-f]*:[[:space:]]*\([0-9]*\)$/\1/p
		s/^\(0x[0-9a-f]*:[[:space:]]*\)*Cannot access memory.*/none/p'
}

# Each word is the right one, or missing where MAY_MISS.
judge() # WHAT MAY_MISS
{
	n=10
	nr=0
	none=0
	while read -r word; do
		if [ "$word" = none ]; then
			none=$((none + 1))
		elif [ "$word" != $((1000000 + n)) ]; then
			fault "$1: page $n reads as $word"
		fi
		n=$((n + 100))
		nr=$((nr + 1))
	done <"$work/words"
	[ $nr = $(((PAGES - 10 + 99) / 100)) ] || fault "$1: $nr words read"
	[ "$2" = yes ] || [ $none = 0 ] || fault "$1: $none words missing"
}

mkfifo "$work/in"
"$zctl" run --limit 40M --name "$label" -- "$work/holder" <"$work/in" \
	>"$work/said" 2>"$work/err" &
pids="$pids $!"
exec 3>"$work/in"
wait_for 'test -s "$work/said"' || broken 'the program did not start'
pid=$(cat "$work/said")
pids="$pids $pid"
"$zctl" list -n "$label" 2>/dev/null | grep -q "$pid" ||
	skip "no userfaultfd here: $(cat "$work/err")"
check 'at first'

# strace of the program at work
timeout -s INT 20 strace -f -qq -o "$work/strace" -p "$pid" &
tracer=$!
pids="$pids $tracer"
wait_for 'grep -q TracerPid:.[1-9] /proc/$pid/status' ||
	skip 'tracing is not possible here'
check 'under strace'
kill -INT $tracer
wait $tracer
grep -q write "$work/strace" || fault 'strace has seen nothing'
check 'after strace'

# perf, where it may count at all
if perf record -q -e cpu-clock -o "$work/perf" -- true >/dev/null 2>&1; then
	perf record -q -e cpu-clock -o "$work/perf" -p "$pid" -- sleep 1 \
		>/dev/null 2>&1 || fault 'perf record failed'
	check 'after perf'
fi

# gdb with pages stored: right or not at all, and the program goes on
words "$work/holder" "$pid" >"$work/words"
judge 'gdb on stored memory' yes
[ $none != 0 ] || fault 'no page was stored, so that nothing was tried'
check 'after gdb'

# and whole
"$zctl" off --restore --force "$pid" >"$work/off" 2>&1 ||
	fault "zctl off: $(cat "$work/off")"
words "$work/holder" "$pid" >"$work/words"
judge 'gdb after zctl off' no
(cd "$work" && gcore -o core "$pid") >"$work/gcore" 2>&1
[ "$(wc -c <"$work/core.$pid")" -lt 1000000000 ] ||
	fault "gcore: $(wc -c <"$work/core.$pid") bytes"
words "$work/holder" -c "$work/core.$pid" >"$work/words"
judge 'the core after zctl off' no
check 'after gcore'
"$zctl" on "$pid" >/dev/null 2>&1 || fault 'zctl on failed'
check 'at the end'
exec 3>&-
wait_for '! kill -0 "$pid" 2>/dev/null' || fault 'it does not end'

# valgrind, with as much as would have to be stored
if command -v valgrind >/dev/null; then
	sed "s/$PAGES/2048/" "$work/holder.c" >"$work/small.c"
	$CC -g -O1 -o "$work/small" "$work/small.c" || broken 'no compiler'
	yes check | head -n 20 | timeout 60 "$zctl" run --limit 4M \
		--set min_managed=1M -- valgrind -q --tool=none "$work/small" \
		>"$work/said" 2>"$work/err" ||
		fault "under valgrind: status $?"
	[ "$(grep -cx right "$work/said")" = 20 ] ||
		fault "under valgrind: $(cat "$work/said")"
	grep -q 'WITHOUT compression: valgrind' "$work/err" ||
		fault "under valgrind: $(cat "$work/err")"
fi
finish
