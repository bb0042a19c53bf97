#!/bin/sh
# SPDX-License-Identifier: MIT
#
# headers.sh - each header compiles alone, without warnings, and has an
# include guard.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
command -v "${CC%% *}" >/dev/null || skip "no compiler: $CC"

for file in $(all_files | grep '\.h$'); do
	case $file in
	src/*) where='-Iinclude -Isrc' name=${file#src/} ;;
	include/*) where=-Iinclude name=${file#include/} ;;
	tools/*) where='-Iinclude -Itools' name=${file#tools/} ;;
	*) where='-Iinclude -Isrc -I.' name=$file ;;
	esac
	# twice: the guard works
	# shellcheck disable=SC2086  # flags are words
	printf '#include "%s"\n#include "%s"\n' "$name" "$name" |
		$CC -std=gnu11 -Wall -Wextra -Werror -fsyntax-only $where \
			-x c - 2>&1 | grep -E 'error|warning' |
		sed "s|^|$file: |" | complain_lines
done
finish
