#!/bin/sh
# SPDX-License-Identifier: MIT
#
# flights.sh - with engine wp, whose evictors wait for a server to read their
# events while faults wait for what they free: the limit is kept all the same,
# and no fault goes first for having waited in vain.

. "$(dirname "$0")/lib.sh"

"$zctl" run --require --set engine=wp true >/dev/null 2>&1 ||
	skip 'no userfaultfd'
# shellcheck disable=SC2086  # CC may have arguments
$CC -std=gnu11 -O2 -o random_access -pthread \
	"$UZ_SRCDIR/tests/preload/random_access.c" || exit 99
"$zctl" run --require --set engine=wp --limit 24M -- ./random_access >out &
program=$!
while kill -0 $program 2>/dev/null; do
	"$zctl" stats --counters --raw --noheadings $program >new 2>/dev/null &&
		mv new counters
	sleep 0.5
done
wait $program || { cat out; exit 1; }
awk '{ n[$1] = $2 }
	END {
		printf "%d faults, %d of them over the limit\n",
			n["faults"], n["exceeded"]
		exit !n["faults"] || n["exceeded"] > n["faults"] / 50
	}' counters
