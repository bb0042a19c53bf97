#!/bin/sh
# SPDX-License-Identifier: MIT
#
# soak.sh - everything under torture, with new seeds, for SOAK_SECONDS (3600):
# the programs of tests/preload and those of torture.sh, with both engines by
# turns.  The first seed is SOAK_SEED (the time); what fails is said with the
# seed that did it, and the rest goes on.
#
# Exit status: 0 nothing failed, 1 something did, 77 nothing can run here.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
top=${UZ_SRCDIR:-$here/../..}
build=${UZ_BUILDDIR:-$top/build}
seconds=${SOAK_SECONDS:-3600}
seed=${SOAK_SEED:-$(date +%s)}
lib=$build/.libs/libuzswap.so.0
rounds=0 failed=0

"$build/zctl" run --require -- true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd here, or nothing is built'; exit 77; }
end=$(($(date +%s) + seconds))
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

attempt() # WHAT COMMAND...
{
	what=$1
	shift
	[ "$(date +%s)" -lt "$end" ] || return
	"$@" >"$log" 2>&1
	status=$?
	echo "seed $seed: $what: $(tail -n 1 "$log")"
	if [ $status != 0 ] && [ $status != 77 ]; then
		failed=$((failed + 1))
		grep -A 30 -E '^(FAIL|DIFF)' "$log"
	fi
}

while [ "$(date +%s)" -lt "$end" ]; do
	for engine in move wp; do
		attempt "preload $engine" sh "$top/tests/preload/run.sh" \
			-l "$lib" -e $engine -t "$seed" -p
		attempt "real $engine" sh "$here/torture.sh" \
			--build "$build" --engine $engine --seed "$seed"
	done
	rounds=$((rounds + 1))
	seed=$((seed + 1))
done
echo "$rounds rounds, $failed runs with failures"
[ $failed = 0 ]
