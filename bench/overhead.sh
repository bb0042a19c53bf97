#!/bin/sh
# SPDX-License-Identifier: MIT
#
# overhead.sh [OPTION]... [WORKLOAD]... - the price of the library when there
# is memory to spare.
#
#   --scale N     how many pieces of work (default 1: some five minutes in all)
#   --control     no library in either: shows the noise of the machine
#
# Workloads: redis gcc python3 mmap (all), and always the start of `true`.
# UZSWAP_LIB names the library (default: libuzswap.so.0 as the loader finds
# it).  Prints a table; it judges nothing.  Exit 0, 77 without a library.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
lib=${UZSWAP_LIB:-libuzswap.so.0}
unset UZSWAP_LIB	# the library would call it an unknown option
tmp=$(mktemp -d "${TMPDIR:-/tmp}/uzbench.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP

case " $* " in
*" --control "*) ;;
*)
	# The loader says so on stderr when it cannot preload, and goes on.
	if LD_PRELOAD=$lib env true 2>&1 | grep -q 'cannot be preloaded'; then
		echo "SKIP: $lib cannot be preloaded (set UZSWAP_LIB)"
		exit 77
	fi ;;
esac
for name in churn start; do
	${CC:-cc} -std=gnu11 -O2 -o "$tmp/$name" "$here/$name.c" || exit 99
done
/usr/bin/python3 "$here/overhead.py" --library "$lib" --build "$tmp" "$@"
