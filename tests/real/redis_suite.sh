#!/bin/sh
# SPDX-License-Identifier: MIT
#
# redis_suite.sh SOURCE RESULTS [UNIT...] - Redis's whole own test suite, file
# by file: plain, then under torture with both engines, by torture.sh.
#
# SOURCE is Debian's source package of Redis, unpacked; Debian's binaries are
# what is tested.  Two files run at a time (REDIS_SUITE_JOBS), niced.  What
# came out is appended to RESULTS, each line with the file's name; files that
# have their last line there are not run again, so that an interrupted run can
# be gone on with.  Without UNITs all files of the suite are run.
#
# A tortured file may take a minute and REDIS_SUITE_SLOWER (40) times as long
# as plain.  REDIS_SUITE_OPTIONS are words for torture.sh, such as --seed 7.
#
# The last lines count files: run, same as plain, different, cut off, for each
# engine.  Exit status: 0 all were run and were the same, 1 not so, 99 usage.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
build=${UZ_BUILDDIR:-$here/../../build}
[ $# -ge 2 ] && [ -f "$1/tests/test_helper.tcl" ] ||
	{ echo 'usage: redis_suite.sh SOURCE RESULTS [UNIT...]' >&2; exit 99; }
TORTURE_REDIS=$(cd "$1" && pwd)
results=$2
shift 2
# shellcheck disable=SC2046  # names are words
[ $# != 0 ] || set -- $(sed -n '/^set ::all_tests {/,/^}/s/^ *\([a-z]*\/.*\)/\1/p' \
	"$TORTURE_REDIS/tests/test_helper.tcl")
touch "$results" || exit 99
export TORTURE_REDIS results here build

for unit; do
	grep -q "^$unit: [0-9]* tests run" "$results" || echo "$unit"
done | nice -n 10 xargs -r -n 1 -P "${REDIS_SUITE_JOBS:-2}" \
	--process-slot-var=SLOT sh -c '
	log=$(mktemp) || exit 99
	TORTURE_UNITS=$0 TORTURE_PORT=$((20000 + 1200 * SLOT)) sh \
		"$here/torture.sh" --build "$build" --size full \
		--slower "${REDIS_SUITE_SLOWER:-40}" \
		$REDIS_SUITE_OPTIONS redistests >"$log" 2>&1
	sed "s|^|$0: |" "$log" >>"$results"
	rm -f "$log"'

for unit; do
	grep "^$unit: " "$results"
done | awk '
	/: (same|DIFF|CUT|SKIP) redistests/ {
		e = $2 == "SKIP" ? "plain" : $4
		n[e]++; how[e, $2]++
		if ($2 != "same") print
	}
	END {
		for (e in n) {
			printf "%s: %d files, %d same, %d different, " \
				"%d cut off, %d fail plain\n", e, n[e],
				how[e, "same"], how[e, "DIFF"],
				how[e, "CUT"], how[e, "SKIP"]
			if (n[e] != how[e, "same"]) bad = 1
		}
		exit bad || !("move" in n)
	}'
