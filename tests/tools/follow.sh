#!/bin/sh
# SPDX-License-Identifier: MIT
#
# follow.sh - which processes of a tree are under uzswap: a shell that starts
# a Redis, a Python with workers; --follow, include and exclude, one warning
# for all, and a summary of each at its end.

. "$(dirname "$0")/lib.sh"

real=$UZ_BUILDDIR/.libs/libuzswap.so.0
[ -e "$real" ] || skip 'the library was not built'
cp -L "$real" "$library"
"$zctl" run --require true 2>/dev/null || skip 'no permission for a userfaultfd'
py=/usr/bin/python3
run="$zctl run --require -m 64M"

# at_exit COMMAND PATTERN: how many processes of that name ended with it
at_exit()
{
	cat "$work"/exit."$1".* 2>/dev/null | grep -c "$2"
}
each="--set stats_at_exit=$work/exit.%e.%p"

# --------------------------------------------------- shell, then Redis

if command -v redis-server >/dev/null && command -v redis-cli >/dev/null; then
	sock=$work/redis.sock
	# shellcheck disable=SC2086 # options are words
	$run $each --name "$label" sh -c 'redis-server --port 0 --save "" \
		--enable-debug-command local \
		--unixsocket "$1" --dir "$2" >/dev/null & echo $! >"$2/pid"
		wait; exit 7' sh "$sock" "$work" >"$work/log" 2>&1 &
	shell=$!
	pids="$pids $shell"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -S "$sock" ] && break
		sleep 0.2
	done
	# 96 MiB, twice what it may have
	redis-cli -s "$sock" debug populate 24000 key 4000 >"$work/out" 2>&1
	contains OK
	redis=$(cat "$work/pid")
	pids="$pids $redis"
	sleep 1
	"$zctl" list --raw --noheadings -o PID,NAME,STATE -n "$label" \
		>"$work/out" 2>&1
	contains "$redis $label active"
	lacks "$shell "		# the shell is dormant, and hidden
	[ "$(redis-cli -s "$sock" strlen key:23999)" = 4000 ] ||
		fault 'redis: a value is wrong'
	redis-cli -s "$sock" shutdown nosave >/dev/null 2>&1
	wait "$shell"
	[ $? = 7 ] || fault "the shell's status: $(cat "$work/log")"
	[ "$(at_exit redis-server ' [1-9][0-9]* pages evicted')" = 1 ] ||
		fault "redis stored nothing: $(cat "$work"/exit.*)"
fi

# ---------------------------------------- Python and its worker processes

cat >"$work/workers.py" <<'END'
import multiprocessing, os, sys, zlib

def make(seed):
    return [(b'%d:%d,' % (seed, i)) * 400 for i in range(20000)]

def work(seed):
    rows = make(seed)
    return os.getpid(), zlib.crc32(b''.join(rows))

if __name__ == '__main__':
    mine = make(0)
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        got = pool.map(work, [1, 2], chunksize=1)
        pool.close()
        pool.join()
    for seed, (pid, crc) in zip([1, 2], got):
        assert crc == zlib.crc32(b''.join(make(seed))), 'wrong in a worker'
    assert mine == make(0), 'wrong in the parent'
    print('right')
END
if [ -x "$py" ]; then
	for how in fork spawn forkserver; do
		rm -f "$work"/exit.*
		# shellcheck disable=SC2086
		expect 0 right $run $each "$py" "$work/workers.py" $how
		[ "$(at_exit python3 ' [1-9][0-9]* pages evicted')" -ge 1 ] ||
			fault "$how: nothing stored: $(cat "$work"/exit.*)"
	done
fi

# --------------------------------------------- who is followed, and who not

maps='grep -c libuzswap /proc/self/maps'
inside() # EXPECTED OPTION...: does grep, below a shell, work under uzswap?
{
	want=$1
	shift
	rm -f "$work"/exit.*
	# shellcheck disable=SC2086
	"$zctl" run --require $each "$@" sh -c "$maps; :" >"$work/out" 2>&1
	[ "$(at_exit grep dormant)" = "$want" ] ||
		fault "$*: grep $(at_exit grep dormant), not $want: $(cat "$work/out")"
}
inside 1
inside 0 --follow none
inside 1 --set include=grep
inside 1 --set 'include=python*:gr?p'
inside 0 --set include=sh:dash
inside 0 --set exclude=grep
inside 1 --set exclude=sh:dash:bash
inside 0 --set include=grep --set exclude='g*'
# who is not followed does not have the library at all
expect 0 0 "$zctl" run --require --follow none sh -c "$maps || :"

# ------------------------------------------------- one warning for a tree

UZSWAP_NO_SUCH=1 LD_PRELOAD=$library UZSWAP_SERVERS=many \
	sh -c 'sh -c "true; true"; true; /bin/true; :' >"$work/out" 2>&1
[ "$(grep -c NO_SUCH "$work/out")" = 1 ] || fault "warnings: $(cat "$work/out")"
[ "$(grep -c SERVERS "$work/out")" = 1 ] || fault "warnings: $(cat "$work/out")"
finish
