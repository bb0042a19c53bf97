#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run-preload.sh NAME - one program of tests/preload for make check: what
# tests/preload/run.sh says of it, as exit status.
#
# Where there is no userfaultfd, nothing can be shown, and that is a skip.
# PRELOAD_FLAGS are more options of run.sh, such as -e wp.

if [ ! -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ]; then
	echo 'libuzswap was not built'
	exit 77
fi
if ! why=$("$UZ_BUILDDIR/zctl" run --require -- true 2>&1); then
	printf '%s\n' "$why" | head -n 1
	exit 77
fi
# shellcheck disable=SC2086  # options are words
out=$("${SHELL:-/bin/sh}" "$UZ_SRCDIR/tests/preload/run.sh" $PRELOAD_FLAGS \
	"$1" 2>&1)
status=$?
printf '%s\n' "$out"
case $out in
SKIP*) exit 77 ;;
esac
exit $status
