#!/bin/sh
# SPDX-License-Identifier: MIT
#
# broker.sh - ordinary users get a userfaultfd through the group of the
# device, through the broker, and by inheritance; others do not.  With the
# real library where it was built: stored pages come back right.  Needs root,
# who makes groups of nobody's, and a /dev/userfaultfd.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip 'only root can start the broker'
[ -c /dev/userfaultfd ] || skip 'there is no /dev/userfaultfd'
command -v setpriv >/dev/null || skip 'setpriv is not installed'
broker=$UZ_BUILDDIR/uzswap-uffd
[ -x "$broker" ] || broken "$broker: not built"

# a group that exists everywhere and has nobody in it; never the users' own
group=games
gid=$(getent group $group | cut -d: -f3)
[ -n "$gid" ] || skip "there is no group $group"

# as_user [GROUP]... -- COMMAND...: nobody, with these groups and no right
as_user()
{
	groups=
	while [ "$1" != -- ]; do
		groups=$groups,$1
		shift
	done
	shift
	if [ -n "$groups" ]; then
		set -- --groups="${groups#,}" "$@"
	else
		set -- --clear-groups "$@"
	fi
	setpriv --reuid=65534 --regid=65534 --inh-caps=-all \
		--bounding-set=-all "$@"
}

as_user -- test -x "$zctl" || skip 'another user cannot reach zctl'
if as_user -- sh -c ': </dev/userfaultfd' 2>/dev/null; then
	skip 'everybody may open /dev/userfaultfd here'
fi

sock=$work/uffd.sock
run_broker()
{
	rm -f "$sock"
	"$broker" --socket="$sock" --group=$group 2>"$work/broker.log" &
	broker_pid=$!
	pids="$pids $broker_pid"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -S "$sock" ] && break
		sleep 0.1
	done
	[ -S "$sock" ] || fault "no socket: $(cat "$work/broker.log")"
}

# ------------------------------------------------------------- the broker

run_broker
[ "$(stat -c '%a %G' "$sock")" = "660 $group" ] ||
	fault "socket: $(stat -c '%a %G' "$sock")"
# it has nothing left: not root, no capability, and none to be had
sed -n 's/^\(Uid\|CapPrm\|CapEff\|CapBnd\|NoNewPrivs\|Groups\):[[:space:]]*/\1 /p' \
	"/proc/$broker_pid/status" | tr '\t' ' ' >"$work/out"
contains 'Uid 65534 65534 65534 65534'
contains 'CapPrm 0000000000000000'
contains 'CapEff 0000000000000000'
contains 'CapBnd 0000000000000000'
contains 'NoNewPrivs 1'

export UZSWAP_UFFD_SOCKET="$sock"
works="compress  yes"
expect 0 "$works" as_user "$gid" -- "$zctl" run --dry-run true
grep -q "^device    $sock *works" "$work/out" || fault "not by the broker: $(cat "$work/out")"
expect 3 'compress  no' as_user -- "$zctl" run --dry-run true
contains "$sock EACCES"
expect 0 "$works" as_user "$gid" -- "$zctl" run --set uffd=socket \
	--dry-run true
expect 3 'compress  no' as_user "$gid" -- "$zctl" run --set uffd=dev \
	--dry-run true
# what the program inherits, also one that is no member any more
expect 0 /dev/userfaultfd as_user "$gid" -- "$zctl" run \
	sh -c 'readlink "/proc/self/fd/$UZSWAP_UFFD_FD"'

# a socket for all: it still looks who it is
chmod 666 "$sock"
expect 3 'compress  no' as_user -- "$zctl" run --dry-run true
grep -q "refused: pid .* uid 65534 is not in group $group" \
	"$work/broker.log" || fault "not refused: $(cat "$work/broker.log")"
expect 0 "$works" as_user "$gid" -- "$zctl" run --dry-run true

# clients that hang about or talk do not keep others waiting
if command -v python3 >/dev/null; then
	python3 -c 'import socket, sys, time
held = []
for i in range(200):
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
    s.send(b"x" * 1000) if i % 2 else None
    held.append(s)
    if i % 3 == 0: held.pop(0).close()
print("held"); sys.stdout.flush(); time.sleep(5)' "$sock" >"$work/held" 2>&1 &
	pids="$pids $!"
	sleep 1
	expect 0 "$works" as_user "$gid" -- "$zctl" run --dry-run true
	kill -0 "$broker_pid" || fault "the broker died: $(cat "$work/broker.log")"
fi

# stopped: zctl waits a second and says so
kill -STOP "$broker_pid"
expect 3 'compress  no' timeout 10 setpriv --reuid=65534 --regid=65534 \
	--groups="$gid" --inh-caps=-all --bounding-set=-all \
	"$zctl" run --dry-run true
contains "$sock E"
kill -CONT "$broker_pid"

# systemd starts it on demand, with a socket already open
kill "$broker_pid"
if command -v systemd-socket-activate >/dev/null; then
	rm -f "$sock"
	systemd-socket-activate -l "$sock" "$broker" --group=$group \
		>"$work/broker.log" 2>&1 &
	pids="$pids $!"
	sleep 0.5
	chgrp $group "$sock" && chmod 660 "$sock"
	expect 0 "$works" as_user "$gid" -- "$zctl" run --dry-run true
	contains "$sock works"
fi
expect 1 'no such group' "$broker" --socket="$work/x" --group=no-such-group
expect 1 'unrecognized' "$broker" --frobnicate

# ------------------------------------- memory that is really compressed

real=$UZ_BUILDDIR/.libs/libuzswap.so.0
if [ ! -e "$real" ]; then
	echo 'the library was not built: only zctl was tested'
	finish
fi
cp -L "$real" "$library"
chmod 755 "$library"
# shellcheck disable=SC2086 # CC may have arguments
$CC -O1 -o "$work/cold" -I"$UZ_SRCDIR/tests/preload" \
	"$UZ_SRCDIR/tests/preload/fork_child_reads.c" -pthread 2>"$work/out" ||
	broken "fork_child_reads.c: $(cat "$work/out")"

# compresses HOW COMMAND...: under a limit, with pages evicted and restored
compresses()
{
	how=$1
	shift
	expect 0 ' pages evicted' "$@"
	grep -q 'at exit: .* [1-9][0-9]* pages evicted' "$work/out" ||
		fault "$how: nothing was evicted: $(cat "$work/out")"
}
run="$zctl run --require -m 80M --set stats_at_exit=1"
run_broker
# shellcheck disable=SC2086 # options are words
compresses broker as_user "$gid" -- $run "$work/cold"
# the library alone, without zctl: it asks the broker itself
compresses library as_user "$gid" -- env LD_PRELOAD="$library" \
	UZSWAP_LIMIT_BYTES=80M UZSWAP_STATS_AT_EXIT=1 "$work/cold"
kill "$broker_pid"
expect 125 'no userfaultfd' as_user "$gid" -- env LD_PRELOAD="$library" \
	UZSWAP_REQUIRE=1 "$work/cold"

# the device by its group: a node of our own over the real one, in a mount
# namespace of our own
device=$(cat /sys/class/misc/userfaultfd/dev)
mknod "$work/device" c "${device%:*}" "${device#*:}" || broken 'no mknod'
chgrp $group "$work/device" && chmod 660 "$work/device"
unset UZSWAP_UFFD_SOCKET
cat >"$work/inside" <<'END'
mount --bind "$1" /dev/userfaultfd || exit 99
shift
exec "$@"
END
if ! unshare -m sh "$work/inside" "$work/device" true 2>/dev/null; then
	echo 'no mount namespace: the group of the device was not tested'
	finish
fi
in_namespace()
{
	unshare -m sh "$work/inside" "$work/device" "$@"
}
# shellcheck disable=SC2086
compresses group in_namespace setpriv --reuid=65534 --regid=65534 \
	--groups="$gid" --inh-caps=-all --bounding-set=-all $run "$work/cold"
expect 3 'WITHOUT compression' in_namespace setpriv --reuid=65534 \
	--regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
	"$zctl" run sh -c 'exit 3'
contains "EACCES (crw-rw---- root $group)"
contains "usermod -aG $group nobody"
finish
