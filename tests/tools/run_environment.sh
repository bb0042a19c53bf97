#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_environment.sh - what a program finds when zctl run has started it:
# environment, inherited descriptor, arguments, exit status.  Started as a
# user who can get a userfaultfd; skips where there is none.

. "$(dirname "$0")/lib.sh"

"$zctl" run --require true >"$work/why" 2>&1 ||
	skip "$(head -n 1 "$work/why")"

# silent, exact arguments, exact status
expect 0 '' "$zctl" run true
expect 7 '' "$zctl" run -- sh -c 'exit 7'
expect 0 '<a b><><--limit><-m>' \
	"$zctl" run printf '<%s>' 'a b' '' --limit -m
expect 0 '<x>' "$zctl" run -m 1G -- printf '<%s>' x
expect 137 '*' sh -c "'$zctl' run sh -c 'kill -9 \$\$'; exit \$?"

# the environment
show='env | grep -e ^UZSWAP -e ^LD_PRELOAD= | sort'
expect 0 "LD_PRELOAD=$library" "$zctl" run sh -c "$show"
lacks UZSWAP_LIMIT_BYTES
lacks UZSWAP_REQUIRE
expect 0 'UZSWAP_LIMIT_BYTES=4294967296' \
	"$zctl" run -m 1G -m 4G sh -c "$show"
lacks 1073741824
# the time of an option is in seconds, that of a setting in its own unit
expect 0 'UZSWAP_MIN_AGE_MS=30000' "$zctl" run -a 30 sh -c "$show"
expect 0 'UZSWAP_MIN_AGE_MS=3000' \
	"$zctl" run --set min_age=3000 sh -c "$show"
lacks MIN_AGE_MS=3000000
expect 0 'UZSWAP_LIMIT_BYTES=50%' "$zctl" run --limit=50% sh -c "$show"
expect 0 'UZSWAP_POOL_MAX_BYTES=1610612736' \
	"$zctl" run --pool-max 1.5G --name 'a b' --follow none \
	--require --set min-managed=8M sh -c "$show"
contains 'UZSWAP_NAME=a b'
contains UZSWAP_FOLLOW=none
contains UZSWAP_REQUIRE=1
contains UZSWAP_MIN_MANAGED_BYTES=8388608

# beside what is preloaded already, and once only
cp "$library" "$work/other.so"
cp "$library" "$work/libuzswap.so.0"
expect 0 "LD_PRELOAD=$library:$work/other.so" \
	env LD_PRELOAD="$work/other.so $work/libuzswap.so.0" \
	"$zctl" run sh -c "$show"

# the way of the descriptor: a high number, the device, across exec
if [ -r /dev/userfaultfd ] && [ -w /dev/userfaultfd ]; then
	see='readlink /proc/self/fd/$UZSWAP_UFFD_FD; echo $UZSWAP_UFFD_FD'
	expect 0 '/dev/userfaultfd' "$zctl" run sh -c "$see"
	[ "$(tail -n 1 "$work/out")" -ge 100 ] || fault 'a low descriptor'
	# a zctl below a zctl hands the same one on
	expect 0 '/dev/userfaultfd' "$zctl" run "$zctl" run sh -c "$see"
	[ "$(tail -n 1 "$work/out")" = 100 ] || fault 'not the inherited one'
	# few descriptors: any number will do
	expect 0 '/dev/userfaultfd' sh -c "ulimit -n 20; '$zctl' run sh -c '$see'"
	# nonsense inherited: not believed
	expect 0 'UZSWAP_UFFD_FD         EBADF' env UZSWAP_UFFD_FD=77 \
		"$zctl" run --dry-run true
	expect 0 'not the userfaultfd device' env UZSWAP_UFFD_FD=0 \
		"$zctl" run --dry-run true
	expect 0 'not a descriptor' env UZSWAP_UFFD_FD=-1 \
		"$zctl" run --dry-run true
fi

# what is said
expect 0 'limit 4G, userfaultfd from ' "$zctl" run -v -m 4G true
contains 'zctl stats --watch '
expect 0 'UZSWAP_LIMIT_BYTES=4294967296' "$zctl" run --dry-run -m 4G true
contains 'compress  yes'

# the switch-off: nothing is preloaded and nothing said
expect 0 '' env UZSWAP_ENABLE=0 "$zctl" run sh -c 'echo -n "$LD_PRELOAD"'
expect 125 'switched off' env UZSWAP_ENABLE=0 "$zctl" run --require true

# no library where there should be one
mv "$library" "$library.away"
expect 0 'running WITHOUT compression' "$zctl" run sh -c "$show"
lacks LD_PRELOAD=
expect 125 'the library is not there' "$zctl" run --require true
mv "$library.away" "$library"
finish
