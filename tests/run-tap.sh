#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run-tap.sh TEST - run one test of any kind; its result is TAP on stdout.
#
# cmocka programs (unit, model) speak TAP themselves, a little off the
# standard: a skipped test is "not ok N # SKIP" there.  Sources of
# tests/preload are compiled and run under the library.  Everything else is a
# plain program: 0, 1, 77, 99; the reason of a skip is the line that starts
# with SKIP, or the last one.

test=$1
case /$test in
*/tests/*) name=tests/${test##*tests/} ;;
*) name=$test ;;
esac

case $name in
tests/unit/* | tests/model/*)
	out=$(mktemp) || exit 99
	trap 'rm -f "$out"' EXIT
	CMOCKA_MESSAGE_OUTPUT=TAP "$test" >"$out" 2>&1
	status=$?
	sed 's/^not ok \([0-9]*\) # SKIP/ok \1 # SKIP/' "$out"
	# a crash leaves the plan unfulfilled; a wrong status must not pass
	if [ $status != 0 ] && ! grep -q '^not ok' "$out"; then
		echo "Bail out! $name ended with status $status"
	fi
	exit 0 ;;
tests/preload/*)
	one=${test##*/}
	set -- "${SHELL:-/bin/sh}" "$UZ_SRCDIR/tests/run-preload.sh" \
		"${one%.c}" ;;
*.sh)
	set -- "${SHELL:-/bin/sh}" "$test" ;;
*)
	set -- "$test" ;;
esac

out=$("$@" 2>&1)
status=$?
[ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/# /'
reason=$(printf '%s\n' "$out" | grep '^SKIP' | tail -n 1 | tr '#' ' ')
[ -n "$reason" ] || reason=$(printf '%s\n' "$out" | tail -n 1 | tr '#' ' ')
reason=${reason#SKIP}
reason=${reason#:}
case $status in
0)
	echo 1..1
	echo "ok 1" ;;
77)
	echo "1..0 # SKIP ${reason# }" ;;
99)
	echo "Bail out! $name: $reason" ;;
*)
	echo 1..1
	echo "not ok 1 - status $status" ;;
esac
