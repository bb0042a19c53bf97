#!/bin/sh
# SPDX-License-Identifier: MIT
#
# child_reads.sh - a forked child that reads more than it may have
# packs nothing anew: what it has not written keeps the object it shares with
# its parent, or both together would need more memory the longer it reads.

. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2086  # CC may have arguments
$CC -std=gnu11 -O2 -o reading_child \
	"$UZ_SRCDIR/tests/pressure/reading_child.c" || exit 99

count() # FILE
{
	"$zctl" stats --counters --raw --noheadings "$child" >"$1"
}

try() # ENGINE
{
	rm -f in out before after
	mkfifo in || exit 99
	"$zctl" run --require --set "engine=$1" --limit 48M -- ./reading_child \
		<in >out &
	program=$!
	exec 3>in
	until [ -s out ]; do
		kill -0 $program 2>/dev/null || { wait $program; exit 1; }
		sleep 0.1
	done
	child=$(head -n 1 out)
	count before
	echo >&3
	until grep -qE 'read|wrong' out; do
		kill -0 $program 2>/dev/null || break
		sleep 0.1
	done
	count after
	echo >&3
	exec 3>&-
	wait $program || { cat out; exit 1; }
	awk -v engine="$1" '
		NR == FNR { before[$1] = $2 }
		NR != FNR { n[$1] = $2 - before[$1] }
		END {
			new = n["evicted"] - n["evicted_clean"]
			printf "%s: %d pages left, %d of them packed anew\n",
				engine, n["evicted"], new
			exit n["evicted"] < 5000 || new > n["evicted"] / 50
		}' before after || failed=1
}

failed=0
tried=
for engine in move wp; do
	"$zctl" run --require --set "engine=$engine" true 2>&1 |
		grep -q 'UFFDIO_MOVE' && continue
	"$zctl" run --require --set "engine=$engine" true >/dev/null 2>&1 ||
		continue
	tried=yes
	try "$engine"
done
[ -n "$tried" ] || skip 'no userfaultfd'
exit $failed
