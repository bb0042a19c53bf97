#!/bin/sh
# SPDX-License-Identifier: MIT
#
# scripts.sh - shell scripts pass shellcheck.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
command -v shellcheck >/dev/null || skip 'shellcheck is not installed'

# what is sourced is found through variables and not read: SC1090, SC1091,
# and SC2154 for the variables it sets
for file in $(all_files); do
	case $file in *.in | *.c | *.h | *.py | *.js) continue ;; esac
	case $(head -n 2 "$file" | tr '\n' ' ') in
	'#!/bin/sh'* | '#!/bin/bash'*) ;;
	*) case $file in *.sh) ;; *) continue ;; esac ;;
	esac
	shellcheck -f gcc -S warning -e SC1090,SC1091,SC2154 "$file" |
		complain_lines
done
finish
