#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run-preload.sh PROGRAM - run one program of tests/preload under the library
# that was just built.
#
# The library must really be at work in it: a program that quietly ran without
# would prove nothing.  So it is run under `zctl run --require`, which ends
# with 125 where there is no userfaultfd, and that is a skip.

zctl=$UZ_BUILDDIR/zctl
if [ ! -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ]; then
	echo 'libuzswap was not built'
	exit 77
fi
"$zctl" run --require -- "$1"
status=$?
if [ $status = 125 ]; then
	echo 'no userfaultfd for this user on this kernel'
	exit 77
fi
exit $status
