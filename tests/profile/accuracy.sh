#!/bin/sh
# SPDX-License-Identifier: MIT
#
# accuracy.sh [MIB [SECONDS [PERCENT [MS]]]] - a profile against the truth:
# known_sites under the library, its sites' cold bytes within 5 %, ages true to
# MS, or else to what they are said to be; at that prof_cost_percent.

# shellcheck source=tests/profile/lib.sh
. "$(dirname "$0")/lib.sh"

mib=${1:-48}
seconds=${2:-14}
[ -z "$3" ] || export UZSWAP_PROF_COST_PERCENT="$3"
exact=$4

needs python3
compile known_sites known_sites.c

# Sets status: 0 right, 1 wrong, 77 too busy to tell
try()
{
	rm -f in recording
	mkfifo in || exit 99
	UZSWAP_PROF_SAMPLE_BYTES=${UZSWAP_PROF_SAMPLE_BYTES:-16K} \
		"$zctl" run --set prof=1 -- ./known_sites "$mib" "$seconds" \
		<in >truth 2>err &
	pid=$!
	exec 3>in
	while ! grep -q sum truth; do
		kill -0 $pid 2>/dev/null || { cat err; exit 1; }
		sleep 0.2
	done
	"$zctl" profile --duration 0 --cold "$((seconds / 4))s" --top 8 \
		-o recording "$pid" || exit 1
	"$zctl" profile --cold "$((seconds / 4))s" --format json \
		recording >summary || exit 1
	echo >&3
	exec 3>&-
	wait $pid || { echo "known_sites: status $?"; exit 1; }
	# shellcheck disable=SC2086  # may be none
	python3 "$here/check_accuracy.py" summary truth $exact
	status=$?
}

# A virtual CPU that another machine has meanwhile shows in no figure of ours:
# one try in three has to be right, or to say itself that it cannot tell.
busy=
for _ in 1 2 3; do
	try
	[ $status != 0 ] || exit 0
	[ $status != 77 ] || busy=yes
done
[ -z "$busy" ] || exit 77
exit $status
