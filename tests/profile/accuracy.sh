#!/bin/sh
# SPDX-License-Identifier: MIT
#
# accuracy.sh [MIB [SECONDS]] - a profile against the truth: known_sites under
# the library, its sites' cold bytes within 5 %, ages within one period.

# A thread of ours that gets no CPU for a second is late by a second, so a
# busy machine has three tries.
if [ -z "$ACCURACY_TRY" ]; then
	for try in 1 2 3; do
		ACCURACY_TRY=$try sh "$0" "$@"
		status=$?
		[ $status = 1 ] || exit $status
	done
	exit 1
fi

src=${UZ_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
top=$(cd "${UZ_BUILDDIR:-$src}" && pwd)
mib=${1:-48}
seconds=${2:-14}

[ -x "$top/zctl" ] || { echo "$top/zctl: not built"; exit 99; }
[ -e "$top/.libs/libuzswap.so.0" ] || { echo 'SKIP: no library'; exit 77; }
command -v python3 >/dev/null || { echo 'SKIP: no python3'; exit 77; }
"$top/zctl" run --require --dry-run true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd'; exit 77; }
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

${CC:-cc} -std=gnu11 -O1 -g -o "$work/known_sites" \
	"$src/tests/profile/known_sites.c" || exit 99
mkfifo "$work/in" || exit 99
UZSWAP_PROF_SAMPLE_BYTES=${UZSWAP_PROF_SAMPLE_BYTES:-16K} \
	"$top/zctl" run --set prof=1 -- "$work/known_sites" "$mib" "$seconds" \
	<"$work/in" >"$work/truth" 2>"$work/err" &
pid=$!
exec 3>"$work/in"
while ! grep -q sum "$work/truth"; do
	kill -0 $pid 2>/dev/null || { cat "$work/err"; exit 1; }
	sleep 0.2
done
"$top/zctl" profile --duration 0 --cold "$((seconds / 4))s" --top 8 \
	-o "$work/recording" "$pid" || exit 1
"$top/zctl" profile --cold "$((seconds / 4))s" --format json \
	"$work/recording" >"$work/summary" || exit 1
echo >&3
exec 3>&-
wait $pid || { echo "known_sites: status $?"; exit 1; }
python3 "$src/tests/profile/check_accuracy.py" "$work/summary" "$work/truth"
