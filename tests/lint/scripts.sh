#!/bin/sh
# SPDX-License-Identifier: MIT
#
# scripts.sh - shell scripts pass shellcheck.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
command -v shellcheck >/dev/null || skip 'shellcheck is not installed'

# lib.sh and group.sh are found through variables: SC1090, SC1091
for file in $(all_files); do
	case $file in *.in | *.c | *.h | *.py | *.js) continue ;; esac
	case $(head -n 2 "$file" | tr '\n' ' ') in
	'#!/bin/sh'* | '#!/bin/bash'*) ;;
	*) case $file in *.sh) ;; *) continue ;; esac ;;
	esac
	shellcheck -f gcc -S warning -e SC1090,SC1091 "$file" |
		complain_lines
done
finish
