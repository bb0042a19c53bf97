#!/bin/sh
# SPDX-License-Identifier: MIT
#
# soak.sh - everything under torture, with new seeds, for SOAK_SECONDS (3600):
# the programs of tests/preload and those of torture.sh, with both engines by
# turns.  The first seed is SOAK_SEED (the time); what fails is said with the
# seed that did it, and the rest goes on.  Beside them lasting.sh, half of the
# time with each engine: one program that compares its data all the time, while
# the library's own memory, threads and descriptors are counted.
#
# A busy machine is no failure: programs may take SOAK_PATIENCE (10) times as
# long as usual.  Exit status: 0 nothing failed, 1 something did, 77 nothing
# can run here.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
top=${UZ_SRCDIR:-$here/../..}
build=${UZ_BUILDDIR:-$top/build}
seconds=${SOAK_SECONDS:-3600}
seed=${SOAK_SEED:-$(date +%s)}
patience=${SOAK_PATIENCE:-10}
lib=$build/.libs/libuzswap.so.0
rounds=0 failed=0

"$build/zctl" run --require -- true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd here, or nothing is built'; exit 77; }
end=$(($(date +%s) + seconds))
work=$(mktemp -d) || exit 99
log=$work/log
lasting=
trap '[ -z "$lasting" ] || kill "$lasting" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Say how it ended, and remember what it did.
judge() # WHAT STATUS LOG
{
	echo "$(date -u +%T) $1: $(tail -n 1 "$3")"
	cat "$3" >>"$work/all"
	if [ "$2" != 0 ] && [ "$2" != 77 ]; then
		failed=$((failed + 1))
		grep -A 30 -E '^(FAIL|DIFF)' "$3"
	fi
}

attempt() # WHAT COMMAND...
{
	what=$1
	shift
	[ "$(date +%s)" -lt "$end" ] || return
	"$@" >"$log" 2>&1
	judge "seed $seed: $what" $? "$log"
}

UZ_BUILDDIR=$build LASTING_SECONDS=$((seconds / 2)) sh "$here/lasting.sh" \
	>"$work/lasting" 2>&1 &
lasting=$!
while [ "$(date +%s)" -lt "$end" ]; do
	for engine in move wp; do
		attempt "preload $engine" sh "$top/tests/preload/run.sh" \
			-l "$lib" -e $engine -t "$seed" -p -w "$patience"
		attempt "real $engine" sh "$here/torture.sh" \
			--build "$build" --engine $engine --seed "$seed" \
			--timeout $((180 * patience))
	done
	rounds=$((rounds + 1))
	seed=$((seed + 1))
done
wait $lasting
status=$?
lasting=
sed 's/^/lasting: /' "$work/lasting"
judge lasting $status "$work/lasting"

# PASS lines of run.sh have evicted=N, same lines of torture.sh N pages left.
awk '/^PASS|^same|^ok/ { n++ }
	/^(FAIL|DIFF)/ { bad++ }
	{ for (i = 1; i <= NF; i++) {
		if (sub(/^evicted=/, "", $i)) pages += $i
		if ($i == "pages" && $(i + 1) ~ /^left/) pages += $(i - 1)
		if ($i ~ /^evicted;/) pages += $(i - 1)
	} }
	END { printf "%d programs right, %d not, %.1f million pages left\n",
		n, bad, pages / 1e6 }' "$work/all"
echo "$rounds rounds, $failed runs with failures"
[ $failed = 0 ]
