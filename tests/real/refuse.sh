#!/bin/sh
# SPDX-License-Identifier: MIT
#
# refuse.sh [CALL:ERROR]... - the kernel says no: by strace's injection the
# n-th system call of a kind fails, in each thread, or one in seven does.  An
# ordinary program must find all of its bytes, and end, with both engines;
# the library may have stepped aside, if it says why.
#
# Where what failed was a call of the program or of its loader, nothing is
# shown.  Last line: N right, N of the program itself, N wrong.  Exit status:
# 0 none wrong, 1 some, 77 no strace or no userfaultfd.

# shellcheck source=tests/real/lib.sh
. "$(dirname "$0")/lib.sh"
right=0 own=0 wrong=0

CALLS='ioctl:ENOMEM ioctl:EAGAIN ioctl:EBUSY madvise:ENOMEM madvise:EAGAIN
mremap:ENOMEM pread64:ENOMEM pread64:EINTR read:EINTR read:EAGAIN mmap:ENOMEM
mprotect:ENOMEM munmap:ENOMEM openat:EMFILE clone:EAGAIN process_vm_readv:EFAULT
memfd_create:EMFILE ftruncate:ENOMEM eventfd2:EMFILE epoll_create1:EMFILE
epoll_ctl:ENOMEM epoll_pwait:EINTR ppoll:EINTR nanosleep:EINTR
getdents64:ENOMEM sched_setaffinity:EINVAL setpriority:EPERM'
TIMES='1 3 8 20+7'

command -v strace >/dev/null || { echo 'SKIP: no strace'; exit 77; }
compile refused

# The program under strace, with what else is in its environment.
go() # CALL ERROR WHEN [-E NAME=VALUE]...
{
	only=$1 inject=$1:error=$2:when=$3
	shift 3
	rm -f "$work/trace"
	timeout -k 5 60 strace -f --seccomp-bpf -qq -o "$work/trace" \
		-e trace="$only" -e inject="$inject" "$@" "$work/refused" \
		>"$work/log" 2>&1
}

try() # ENGINE CALL ERROR WHEN
{
	go "$2" "$3" "$4" -E LD_PRELOAD="$build/.libs/libuzswap.so.0" \
		-E UZSWAP_ENGINE="$1" -E UZSWAP_LIMIT_BYTES=12M \
		-E UZSWAP_MIN_MANAGED_BYTES=1M -E UZSWAP_STATS_AT_EXIT=1
	status=$?
	! grep -q 'it did not work' "$work/log" ||
		grep -q 'WITHOUT compression: ' "$work/log" || status=silent
	[ -e "$work/trace" ] || { cat "$work/log"; exit 99; }
	grep -q INJECTED "$work/trace" || return	# never so many
	case $status in
	0) right=$((right + 1)) ;;
	3 | 127) own=$((own + 1)) ;;
	*)
		what=$(grep -m 3 INJECTED "$work/trace"; tail -n 5 "$work/log")
		# the loader itself does not take every refusal well
		if ! go "$2" "$3" "$4"; then
			own=$((own + 1))
			return
		fi
		wrong=$((wrong + 1))
		echo "FAIL $1 $2 $3 $4: status $status"
		echo "$what" ;;
	esac
}

# shellcheck disable=SC2086  # words
[ $# != 0 ] || set -- $CALLS
for engine in move wp; do
	for call; do
		for when in $TIMES; do
			try $engine "${call%:*}" "${call#*:}" "$when"
		done
	done
done
echo "$right right, $own of the program itself, $wrong wrong"
[ $wrong = 0 ]
