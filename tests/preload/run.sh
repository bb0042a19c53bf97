#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh [-l LIBRARY] [-e move|wp] [-t SEED] [-p] [-n TIMES] [-w TIMES] [NAME...]
# - run the programs of this folder, or those named, plain and then under the
# library with half the memory they need; with -t, under torture.
#
# A program passes when it ends with 0 both times, and the library says that
# it stored pages meanwhile (a run without would prove nothing), never met a
# damaged one, and its counters close but for what was in hand at the end.
# -p leaves the plain runs out, -n repeats the others.  When a program ended
# well but too early for threads of the library, which did not get a processor,
# it is run again, up to three times.
#
# One line per program, last line: N passed, N failed, N skipped.

dir=$(cd "$(dirname "$0")" && pwd) || exit 99
src=${UZ_SRCDIR:-$dir/../..}
lib=${UZ_BUILDDIR:-$src}/.libs/libuzswap.so.0
engine=
plain=yes
times=1
patience=1
torture=
while getopts l:e:t:pn:w: opt; do
	case $opt in
	l) lib=$OPTARG ;;
	e) engine=$OPTARG ;;
	t) torture=$OPTARG ;;
	p) plain= ;;
	n) times=$OPTARG ;;
	w) patience=$OPTARG ;;
	*) exit 99 ;;
	esac
done
shift $((OPTIND - 1))

case $lib in /*) ;; *) lib=$PWD/$lib ;; esac
[ -e "$lib" ] || { echo "SKIP: no library at $lib"; exit 77; }
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
passed=0 failed=0 skipped=0
IN_HAND=512	# pages: 64 of each server, a tray or two of the evictors

build() # SOURCE [FLAG...]
{
	out=$work/$(basename "$1" .c)
	from=$1
	shift
	${CC:-cc} -std=gnu11 -O2 -Wall -Wextra "$@" -pthread -o "$out" "$from"
}

# What a program's own first lines ask for, such as " * run.sh: seconds=60":
# seconds until it hangs, limit in bytes, evicts=no, engines=move,
# conf=UZSWAP_CONF, repacks=yes if idle pages must be packed again, shares=yes
# if equal pages must share, clean=yes if pages must have left again by
# comparison, torture=no if it measures what torture disturbs, status=N if it
# does not end with 0
wish() # NAME KEY DEFAULT
{
	v=$(sed -n "s/^ \* run.sh:.*$2=\([^ ]*\).*/\1/p" "$dir/$1.c" | head -n 1)
	echo "${v:-$3}"
}

run() # NAME LIBRARY
{
	(
		cd "$work" || exit 99
		if [ -n "$2" ]; then
			UZSWAP_LIMIT_BYTES=$(wish "$1" limit 83886080)
			export UZSWAP_LIMIT_BYTES
			conf=$(wish "$1" conf '')
			[ -z "$conf" ] || export UZSWAP_CONF="$conf"
			[ -z "$engine" ] || export UZSWAP_ENGINE="$engine"
			[ -z "$torture" ] || export UZSWAP_TORTURE="$torture"
		fi
		./peek $(($(wish "$1" seconds 180) * patience)) "$2" \
			"$work/$1" >"$work/log" 2>&1 3>"$work/counts"
	)
}

# NOTHING: all is well, but nothing was shown.
judge() # NAME STATUS -> result, why
{
	counts=$(cat "$work/counts")
	# auto takes wp where the kernel has no UFFDIO_MOVE
	case $counts in *engine=*) used=${counts##*engine=} ;; *) used= ;; esac
	case $(wish "$1" engines "$used") in
	*"$used"*) ;;
	*)
		result=SKIP
		why="not with engine $used"
		return ;;
	esac
	result=FAIL
	why="status $2; $counts"
	[ "$2" != 124 ] || why="hangs; $counts"
	[ "$2" = "$(wish "$1" status 0)" ] || return
	case $counts in
	none)
		[ "$(wish "$1" evicts yes)" = no ] || return ;;
	*damaged=0*)
		open=${counts##*open=} open=${open%% *}
		[ "${open#-}" -le $IN_HAND ] || return ;;
	*) return ;;
	esac
	result=NOTHING
	if [ "$(wish "$1" evicts yes)" = yes ]; then
		case $counts in evicted=0*) return ;; esac
	fi
	if [ "$(wish "$1" repacks no)" = yes ]; then
		case $counts in *repacked=0*) return ;; esac
	fi
	if [ "$(wish "$1" shares no)" = yes ]; then
		case $counts in *shared=0*) return ;; esac
	fi
	if [ "$(wish "$1" clean no)" = yes ]; then
		case $counts in *clean=0*) return ;; esac
	fi
	result=PASS
	why=$counts
}

# Until there is something to judge by.
run_and_judge() # NAME -> result, why
{
	for try in 1 2 3; do
		run "$1" "$lib"
		judge "$1" $?
		[ $result = NOTHING ] || return
	done
	result=FAIL
	why="nothing shown in $try runs; $why"
}

one() # NAME
{
	case $(wish "$1" engines "$engine") in
	*"$engine"*) ;;
	*)
		result=SKIP why="not with engine $engine"
		return ;;
	esac
	if [ -n "$torture" ] && [ "$(wish "$1" torture yes)" = no ]; then
		result=SKIP why='measures what torture disturbs'
		return
	fi
	if ! build "$dir/$1.c"; then
		result=FAIL why='does not compile'
		return
	fi
	if [ -n "$plain" ]; then
		run "$1" ''
		status=$?
		if [ $status = 77 ]; then
			result=SKIP
			why=$(sed -n 's/^SKIP: //p' "$work/log")
			return
		elif [ $status != "$(wish "$1" status 0)" ]; then
			result=FAIL
			why="status $status without the library"
			return
		fi
	fi
	n=0
	while [ $n -lt "$times" ]; do
		n=$((n + 1))
		start=$(date +%s.%N)
		run_and_judge "$1"
		took=$(echo "$(date +%s.%N) - $start" | bc 2>/dev/null)
		why="$why${took:+; ${took%????????} s}"
		[ "$result" = PASS ] || return
	done
}

build "$dir/peek.c" -I"$src/include" || exit 99
if [ $# = 0 ]; then
	for f in "$dir"/*.c; do
		name=$(basename "$f" .c)
		[ "$name" = peek ] || set -- "$@" "$name"
	done
fi
for name; do
	one "$name"
	printf '%-4s %-28s %s\n' $result "$name" "$why"
	case $result in
	PASS) passed=$((passed + 1)) ;;
	SKIP) skipped=$((skipped + 1)) ;;
	*)
		failed=$((failed + 1))
		sed 's/^/     | /' "$work/log" | tail -n 60 ;;
	esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
