#!/bin/sh
# SPDX-License-Identifier: MIT
#
# core.sh - zctl core: a program whose memory is mostly stored crashes, and in
# the core that the kernel writes every page is put back, with both engines and
# both codecs, packed with a dictionary or sharing an object with others; a core
# that is cut off or damaged is no harm.

. "$(dirname "$0")/lib.sh"

[ -z "$UZ_SANITIZE" ] || skip 'the library is not built with sanitizers'
[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'no library was built'
cp "$UZ_BUILDDIR/.libs/libuzswap.so.0" "$library" || broken 'no library'
command -v python3 >/dev/null || skip 'python3 is not installed'
case $(cat /proc/sys/kernel/core_pattern) in
core | core.%p) ;;
*) skip 'cores do not go into the current folder (kernel.core_pattern)' ;;
esac
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c unlimited 2>/dev/null || skip 'cores are not allowed (ulimit -c)'
"$zctl" run --require --dry-run true >/dev/null 2>&1 ||
	skip 'no userfaultfd'

# As many pages as asked for: of zeros, of one word, of records of random
# numbers, and some that are equal, as they are in the file "data".  It says
# where, and crashes on the next line of input.
cat >"$work/crash.c" <<END
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	unsigned long pages = strtoul(argv[argc - 1], NULL, 10);
	char *data = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *file = fopen("data", "w");
	unsigned long random = 88172645463325252ul;
	char line[64];

	for (unsigned long n = 0; n < pages; n++) {
		char *at = data + n * 4096;

		if (n % 8 == 1)
			memset(at, 'w', 4096);
		if (n % 8 == 7)
			memcpy(at, data + 2 * 4096, 4096);
		for (unsigned i = 0; i < 4096 && n % 8 % 7 > 1; i += 64) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			sprintf(at + i, "id %05lu-%05u, value %016lx%016lx",
				n, i, random, random >> 32);
		}
		fwrite(at, 4096, 1, file);
	}
	fclose(file);
	printf("%p\n", (void *)data);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin))
		__builtin_trap();
	return 0;
}
END
${CC:-cc} -g -O1 -o "$work/crash" "$work/crash.c" || broken 'no compiler'

# How many of the pages at ADDR in core FILE are not as in "data", and how many
# of these are all zero?
cat >"$work/look.py" <<END
import mmap, struct, sys
file = open(sys.argv[1], "rb")
core = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
data = open("data", "rb").read()
base = int(sys.argv[2], 16)
at, = struct.unpack_from("<Q", core, 32)
size, nr = struct.unpack_from("<HH", core, 54)
zeros = bytes(4096)
wrong = empty = seen = 0
for i in range(nr):
    kind, _, offset, vaddr, _, length = struct.unpack_from("<IIQQQQ", core,
                                                           at + i * size)
    for n in range(0, length if kind == 1 else 0, 4096):
        if base <= vaddr + n < base + len(data):
            got = core[offset + n:offset + n + 4096]
            want = data[vaddr + n - base:vaddr + n - base + 4096]
            seen += 1
            wrong += got != want
            empty += got != want and got == zeros
print(wrong + len(data) // 4096 - seen, empty)
END

# What the statistics say when it is time to crash.
ready='"stored_bytes":[1-9][0-9]{7}'
pages=20480	# 80 MiB
limit=24M

# crash OPTION...: sets $core and $addr
crash()
{
	rm -f core core.*
	mkfifo "$work/in"
	"$zctl" run --limit $limit "$@" -- "$work/crash" $pages \
		<"$work/in" >"$work/said" 2>"$work/err" &
	pid=$!
	pids="$pids $pid"
	exec 3>"$work/in"
	n=0
	until [ -s "$work/said" ] &&
		"$zctl" stats --json --pool $pid 2>/dev/null |
		tr -d ' \n' | grep -qE "$ready"; do
		n=$((n + 1))
		[ $n -lt 400 ] || break
		sleep 0.1
	done
	kill -0 $pid 2>/dev/null || broken "it did not start: $(cat "$work/err")"
	echo >&3
	exec 3>&-
	rm "$work/in"
	wait $pid 2>/dev/null
	addr=$(cat "$work/said")
	core=$(ls core core.* 2>/dev/null)
	[ -n "$core" ] || skip 'the kernel wrote no core'
}

try() # OPTION...
{
	crash "$@"
	# shellcheck disable=SC2046 # two numbers
	set -- "$*" $(python3 look.py "$core" "$addr")
	[ "$3" -gt 4000 ] && [ "$2" = "$3" ] ||
		fault "$1: $2 pages are wrong in the core, $3 are missing"
	expect 0 "put back into $core.whole" "$zctl" core "$core"
	# shellcheck disable=SC2046 # two numbers
	set -- "$1" $(python3 look.py "$core.whole" "$addr")
	[ "$2" = 0 ] || fault "$1: $2 pages are wrong in the whole core"
}

# whatever it can make of it, it ends by itself
survives() # CORE
{
	"$zctl" core -f "$1" >"$work/out" 2>&1
	[ $? -le 3 ] || fault "$1: $(cat "$work/out")"
}

try --set engine=move
expect 1 'exists (--force' "$zctl" core "$core"
expect 0 '"schema":"uzswap.core.v1"' "$zctl" core -f --json "$core"
! command -v gdb >/dev/null ||
	expect 0 '"id 00802-00000, value' gdb -batch -nx -iex \
		'set debuginfod enabled off' -ex "x/s $addr + 802 * 4096" \
		"$work/crash" "$core.whole"

# what is not there, or not right
expect 2 'no core file given' "$zctl" core
expect 1 'No such file' "$zctl" core "$work/none"
expect 1 'not a core file' "$zctl" core "$work/crash"
expect 1 'No such file' "$zctl" core -f -o "$work/none/out" "$core"
expect 1 'no statistics page' sh -c \
	"head -c 65536 '$core' >short && '$zctl' core -f short"
half=$(($(wc -c <"$core") * 6 / 10))
head -c $half "$core" >short
survives short
cp --sparse=always "$core" bad
python3 - bad <<'END'
import random, sys
core = open(sys.argv[1], "r+b")
end = core.seek(0, 2)
random.seed(1)
for i in range(3000):
    core.seek(random.randrange(65536, end - 8))
    core.write(random.randbytes(8))
END
survives bad

try --set engine=wp --set compressor=zstd:3
try --set engine=move --torture=7
# a dictionary is made of so many, and not before
pages=32768
limit=56M
ready='"shared_pages":[1-9][0-9]{3}.*"codec":"dict[0-9]","objects":[1-9][0-9]{3}'
try --set share_equal=yes --set repack_idle=1s --set repack_cpu_percent=100
finish
