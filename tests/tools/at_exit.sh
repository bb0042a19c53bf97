#!/bin/sh
# SPDX-License-Identifier: MIT
#
# at_exit.sh - UZSWAP_STATS_AT_EXIT: a line on standard error, or in a file, at
# the end or before a filter of system calls forbids it.

. "$(dirname "$0")/lib.sh"

real=$UZ_BUILDDIR/.libs/libuzswap.so.0
[ -e "$real" ] || skip 'the library was not built'
# many programs close standard error before our line: this one does not
echo 'int main(void) { return 0; }' | compile_c sleep || broken 'no compiler'
export LD_PRELOAD="$real"
say=UZSWAP_STATS_AT_EXIT
for no in 0 no false off ''; do
	expect 0 '' env $say="$no" ./sleep
done
for yes in 1 yes TRUE on; do
	expect 0 'uzswap: at exit: dormant' env $say=$yes ./sleep
done
expect 0 '' env $say="$work/%e.%p%%x" sh -c 'echo $$ >pid; exec ./sleep'
file="$work/sleep.$(cat "$work/pid")%x"
grep -qx "sleep (pid $(cat "$work/pid")): dormant, nothing was stored" \
	"$file" || fault "no $file: $(ls "$work")"
# several add their lines, and one that cannot be opened is told
expect 0 '' env $say="$work/all" sh -c './sleep; ./sleep; :'
[ "$(grep -c '^sleep' "$work/all")" = 2 ] || fault "$(cat "$work/all")"
expect 0 'at exit: cannot open /no/such/file: ENOENT' \
	env $say=/no/such/file ./sleep
# under torture the books are looked at, also when it ends past destructors
compile_c leaves <<-END || broken 'no compiler'
	#include <stdlib.h>
	#include <unistd.h>
	int main(int argc, char **argv)
	{
		usleep(atoi(argv[argc - 1]) * 1000);
		_exit(7);
	}
END
if "$UZ_BUILDDIR/zctl" run --require -- true >/dev/null 2>&1; then
	for ms in 100 500 2500; do	# it is up by then, or was too late
		expect 7 '' env UZSWAP_TORTURE=1 $say="$work/said" \
			./leaves $ms
		! grep -q 'the books close$' "$work/said" || break
	done
	grep -q 'the books close$' "$work/said" ||
		fault "$(cat "$work/said")"
	# and before a program forbids us all that it needs not itself
	$CC -std=gnu11 -O2 -o filtered \
		"$UZ_SRCDIR/tests/preload/seccomp_over_all_threads.c" ||
		broken 'no compiler'
	expect 0 '' env UZSWAP_TORTURE=1 $say="$work/aside" ./filtered
	grep -q 'pages evicted.*; stepped aside$' "$work/aside" ||
		fault "$(cat "$work/aside")"
fi
finish
