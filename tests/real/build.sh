#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build.sh DIR - compile the C programs of tests/real into DIR.
#
# They are ordinary programs: no library of this project, no special flags.

set -e
[ $# = 1 ] || { echo "usage: build.sh DIR" >&2; exit 99; }
src=$(dirname "$0")
out=$1
flags="-std=gnu11 -O2 -g -Wall -Wextra -Wshadow -Wconversion -Wvla
	-Wstrict-prototypes -Wmissing-prototypes"
mkdir -p "$out"
# shellcheck disable=SC2086  # flags are words
{
	${CC:-cc} $flags -o "$out/redis_client" "$src/redis_client.c" \
		"$src/resp.c" "$src/data.c" "$src/data_out.c" -lm
	${CC:-cc} $flags -o "$out/arenas" "$src/arenas.c" -pthread
	${CC:-cc} $flags -o "$out/burst" "$src/burst.c"
}
