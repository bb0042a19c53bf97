#!/bin/sh
# SPDX-License-Identifier: MIT
#
# log.sh - what the library says of itself, how much, and where.

. "$(dirname "$0")/lib.sh"

real=$UZ_BUILDDIR/.libs/libuzswap.so.0
[ -z "$UZ_SANITIZE" ] || skip 'the library is not built with sanitizers'
[ -e "$real" ] || skip 'the library was not built'
cp "$real" "$library" || broken 'no library'

# uses 16 MiB, says that it does, and ends with its input
compile_c holder <<'END' || broken 'no compiler'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
	char *p = malloc(16 << 20);
	char c;

	if (!p)
		return 1;
	memset(p, 'x', 16 << 20);
	printf("%d\n", getpid());
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return p[12345] != 'x';
}
END

mkfifo "$work/in"
UZSWAP_LOG=info UZSWAP_LOG_FILE="$work/%e.%p.%t.%%.%h.log" \
	UZSWAP_MIN_MANAGED_BYTES=1M "$zctl" run -- "$work/holder" \
	<"$work/in" >"$work/said" 2>"$work/err" &
pids="$pids $!"
exec 3>"$work/in"
wait_for 'test -s "$work/said"' || broken 'the program did not start'
pid=$(cat "$work/said")
pids="$pids $pid"
wait_for '"$zctl" list -n holder 2>/dev/null | grep -q active' ||
	skip "no userfaultfd here: $(cat "$work/err")"

# which file, and what a line looks like
log=$(echo "$work/holder.$pid."*".%.$(hostname).log")
[ -f "$log" ] || fault "no file of that name: $(ls "$work")"
now=$(date +%s)
at=$(expr "$log" : ".*holder\.$pid\.\([0-9]*\)\.")
[ "$at" -le "$now" ] && [ "$at" -gt $((now - 300)) ] || fault "%t is $at"
grep -Eqx "$(date -u +%Y)-[0-9-]{5}T[0-9:]{8}Z $pid awake: engine .*" "$log" ||
	fault "not what it should say: $(cat "$log")"

# it says what it is asked for; and no more than is wanted
"$zctl" off -q "$pid" && "$zctl" on -q "$pid"
grep -q 'switched off, all is restored' "$log" || fault "off: $(cat "$log")"
grep -q 'switched on' "$log" || fault "on: $(cat "$log")"
"$zctl" set -q "$pid" accept_percent=70
grep -q 'set by zctl: accept_percent=70' "$log" || fault "set: $(cat "$log")"
"$zctl" set -q "$pid" log=warn
lines=$(wc -l <"$log")
"$zctl" off -q "$pid" && "$zctl" on -q "$pid"
[ "$(wc -l <"$log")" = "$lines" ] || fault "log=warn: $(cat "$log")"

# another file; one that cannot be written: standard error
"$zctl" set -q "$pid" log=info "log_file=$work/other"
grep -q "$pid set by zctl: " "$work/other" || fault 'log_file is not taken'
[ ! -s "$work/err" ] || fault "on standard error: $(cat "$work/err")"
"$zctl" set -q "$pid" log_file=/no/such/file
grep -q '^uzswap: set by zctl: ' "$work/err" || fault 'nothing is said at all'
"$zctl" set -q "$pid" log_file=
"$zctl" off -q "$pid"
grep -q '^uzswap: switched off' "$work/err" || fault 'no file: not on stderr'
exec 3>&-
finish
