#!/bin/sh
# SPDX-License-Identifier: MIT
#
# container.sh - in a user namespace with a seccomp filter like Docker's: the
# system call is refused, and the device, a descriptor handed in, or the
# broker's socket are enough to compress.  Needs root, who becomes a user that
# may open the device by its group.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip 'only root can hand out the device'
[ -c /dev/userfaultfd ] || skip 'there is no /dev/userfaultfd'
command -v setpriv >/dev/null || skip 'setpriv is not installed'
real=$UZ_BUILDDIR/.libs/libuzswap.so.0
[ -e "$real" ] || skip 'the library was not built'
# shellcheck disable=SC2086 # CC may have arguments
$CC -std=gnu11 -o "$work/in_container" "$UZ_SRCDIR/tests/tools/in_container.c" \
	-lseccomp 2>"$work/out" || skip 'libseccomp is not installed'
cp -L "$real" "$library"
chmod 755 "$library"
# shellcheck disable=SC2086
$CC -O1 -o "$work/cold" -I"$UZ_SRCDIR/tests/preload" \
	"$UZ_SRCDIR/tests/preload/fork_child_reads.c" -pthread ||
	broken 'fork_child_reads.c'

user="setpriv --reuid=65534 --regid=65534 --inh-caps=-all --bounding-set=-all"
inside=$work/in_container
# shellcheck disable=SC2086 # the user is words
$user --clear-groups "$inside" true >"$work/out" 2>&1 ||
	skip "$(tail -n 1 "$work/out")"

run="$zctl run --require -m 80M --set stats_at_exit=1"

# compresses HOW COMMAND...
compresses()
{
	how=$1
	shift
	expect 0 ' pages evicted' "$@"
	grep -q 'at exit: .* [1-9][0-9]* pages evicted' "$work/out" ||
		fault "$how: $(cat "$work/out")"
}

# nothing handed in: all refused, each by its error
# shellcheck disable=SC2086
expect 3 'WITHOUT compression' $user --clear-groups "$inside" \
	"$zctl" run sh -c 'exit 3'
contains 'userfaultfd(2)         EPERM'
contains '/dev/userfaultfd       E'
# shellcheck disable=SC2086
expect 1 'seccomp                filtered' $user --clear-groups "$inside" \
	"$zctl" doctor
contains 'does NOT work'

# a descriptor handed in by whoever may open the device
# shellcheck disable=SC2086
compresses descriptor "$zctl" run $user --clear-groups "$inside" $run \
	"$work/cold"

# the broker's socket, which a container gets by a bind mount.  Members are
# known by the groups they connect with, as there is no /etc/group in common
gid=$(getent group games | cut -d: -f3)
sock=$work/uffd.sock
"$UZ_BUILDDIR/uzswap-uffd" --socket="$sock" --group=games 2>"$work/log" &
pids="$pids $!"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -S "$sock" ] && break
	sleep 0.1
done
# shellcheck disable=SC2086
UZSWAP_UFFD_SOCKET=$sock compresses broker $user --groups="$gid" "$inside" \
	$run "$work/cold"
# the library by itself, as an image has it: LD_PRELOAD in its environment
# shellcheck disable=SC2086
compresses image env LD_PRELOAD="$library" UZSWAP_LIMIT_BYTES=80M \
	UZSWAP_UFFD_SOCKET="$sock" UZSWAP_STATS_AT_EXIT=1 \
	$user --groups="$gid" "$inside" "$work/cold"

# the device itself, by its group, as docker run --device has it
device=$(cat /sys/class/misc/userfaultfd/dev)
mknod "$work/device" c "${device%:*}" "${device#*:}" || broken 'no mknod'
chgrp games "$work/device" && chmod 660 "$work/device"
cat >"$work/mounted" <<'END'
mount --bind "$1" /dev/userfaultfd || exit 99
shift
exec "$@"
END
if unshare -m sh "$work/mounted" "$work/device" true 2>/dev/null; then
	# shellcheck disable=SC2086
	compresses device unshare -m sh "$work/mounted" "$work/device" \
		$user --groups="$gid" "$inside" $run "$work/cold"
fi

finish
