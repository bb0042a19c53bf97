#!/bin/sh
# SPDX-License-Identifier: MIT
#
# man.sh - the manual pages are rendered without a warning.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"

pages=$(all_files | grep '^man/.*\.[1-9]$')
[ -n "$pages" ] || skip 'there are no manual pages'
if command -v groff >/dev/null && [ -d /usr/share/groff ] &&
   echo . | groff -man -Tutf8 -z 2>/dev/null; then
	render='groff -man -Tutf8 -ww -z'
elif command -v mandoc >/dev/null; then
	render='mandoc -Tlint -Wwarning'
else
	skip 'neither groff nor mandoc is installed'
fi
for page in $pages; do
	$render "$page" 2>&1 | complain_lines
done
finish
