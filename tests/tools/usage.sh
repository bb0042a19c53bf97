#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage.sh - zctl refuses bad options, sizes and names with the documented
# exit status and a line that says what is wrong, before it starts anything.

. "$(dirname "$0")/lib.sh"

# a program that must never run
cat >"$work/never" <<'END'
#!/bin/sh
echo STARTED
END
chmod 755 "$work/never"
never=$work/never

# zctl itself
expect 2 'no command given' "$zctl"
expect 2 "unknown command 'lst', did you mean 'list'?" "$zctl" lst
expect 2 "unknown command 'frobnicate'" "$zctl" frobnicate
expect 2 'unrecognized option' "$zctl" --frobnicate
expect 2 '--color=blue' "$zctl" --color=blue list
expect 0 'zctl (uzswap)' "$zctl" --version
expect 0 'Commands:' "$zctl" --help
expect 0 'Commands:' "$zctl" help
expect 0 'Usage: zctl stats' "$zctl" help stats
expect 0 'Usage: zctl run' "$zctl" run --help
expect 2 "unknown command 'frob'" "$zctl" help frob
for command in $("$zctl" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
do
	expect 0 'Usage: zctl' "$zctl" help "$command"
done
expect 0 "$library" "$zctl" --print=preload
expect 0 '/' "$zctl" --print=libdir
expect 0 '/uzswap' "$zctl" --print=confdir
expect 0 'uzswap' "$zctl" --print=uffd-group
expect 2 '--print=frob' "$zctl" --print=frob

# run: all of its own failures are 125
expect 125 'no program given' "$zctl" run
expect 125 'no program given' "$zctl" run --
expect 125 'unrecognized option' "$zctl" run --frobnicate "$never"
expect 125 'requires an argument' "$zctl" run --limit
for size in -1 12X 1e9 ' 4G' '4G ' 4GG 1..5G .5G 1.5 x '' 0x10 1,5G; do
	expect 125 "--limit: '$size' is not a size" \
		"$zctl" run --limit "$size" "$never"
done
for size in 999999T 129T 4K 1 0% 101% 99999999999999999999999; do
	expect 125 "--limit: '$size' is out of range: 1M to 128T" \
		"$zctl" run "--limit=$size" "$never"
done
for codecs in gzip lz4: lz4:x lz4:100 zstd:3+ +lz4 lz4+gzip lz4+zstd+lz4; do
	expect 125 "'$codecs' is not codecs like" \
		"$zctl" run -c "$codecs" "$never"
done
expect 125 '--pool-max' "$zctl" run --pool-max 1T% "$never"
expect 125 "'maybe' is not one of exec|none" \
	"$zctl" run --follow maybe "$never"
expect 125 'longer than 31 characters' \
	"$zctl" run --name 12345678901234567890123456789012 "$never"
expect 125 "is not KEY=VALUE" "$zctl" run --set limit "$never"
expect 125 "did you mean 'limit'?" "$zctl" run --set limt=4G "$never"
expect 125 'unknown option' "$zctl" run --set =4G "$never"
expect 125 'unknown option' "$zctl" run --set colour=red "$never"
expect 125 'is not yes or no' "$zctl" run --set enable=2 "$never"
expect 125 'out of range: 1 to ' "$zctl" run --set threads=6500 "$never"
expect 125 'is not a percentage' \
	"$zctl" run --set accept_percent=x "$never"
expect 125 'out of range' "$zctl" run --set accept_percent=0 "$never"
expect 125 'set by zctl' "$zctl" run --set uffd_fd=7 "$never"

# list and stats
expect 2 "unknown column 'PIDD', did you mean 'PID'?" "$zctl" list -o PIDD
expect 2 'unknown column' "$zctl" list -o ''
expect 2 'unknown column' "$zctl" list -o PID,,USER
expect 2 'unknown column' "$zctl" list --sort -
expect 2 'unexpected argument' "$zctl" list 17
expect 2 'no process given' "$zctl" stats
expect 2 'one process only' "$zctl" stats 1 2
expect 2 'not a pid' "$zctl" stats init
expect 2 'not a pid' "$zctl" stats 0
expect 2 'not a pid' "$zctl" stats 99999999999999999999
expect 2 '*' "$zctl" stats -1
expect 2 '--watch=' "$zctl" stats --watch=0 1
expect 2 '--watch=' "$zctl" stats --watch=x 1
expect 2 '--watch=' "$zctl" stats --watch= 1
expect 2 '--watch=' "$zctl" stats --watch=-1 1
expect 4 'no such process' "$zctl" stats 2147483646
expect 4 'not under uzswap' "$zctl" stats $$
expect 4 'no process of that name' "$zctl" stats -n no-such-name
expect 4 'no process of that unit' "$zctl" stats --unit no-such-unit
expect 4 'no process of that name' "$zctl" list -n no-such-name
expect 2 'no such user' "$zctl" stats -u no-such-user
expect 2 'one process only' "$zctl" stats -n no-such-name 17

grep -q STARTED "$work/out" && fault 'something was started'
finish
