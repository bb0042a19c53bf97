#!/bin/sh
# SPDX-License-Identifier: MIT
#
# files.sh - every file of the project is named in a makefile, so that it is
# built and gets into the tarball.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"

# words of all makefiles; programs are named without .c
named=$(mktemp) || exit 99
trap 'rm -f "$faults" "$named"' EXIT
cat Makefile.am ./*/local.mk | grep -v '^#' | tr -s ' \t\\=' '\n' |
	sort -u >"$named"

for file in $(all_files); do
	case $file in
	Makefile.am | configure.ac | */local.mk | m4/*.m4 | *.in) continue ;;
	.git* | check) continue ;;
	esac
	grep -qxF -e "$file" -e "${file%.c}" "$named" ||
		complain "$file: is in no makefile"
done
finish
