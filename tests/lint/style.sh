#!/bin/sh
# SPDX-License-Identifier: MIT
#
# style.sh - what a machine can see of the style: a licence line, sizes of
# files and functions, columns, white space.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"

MAX_FILE=500
MAX_FUNCTION=70
MAX_COLUMNS=80

for file in $(all_files | grep -v '\.png$'); do
	case $file in
	LICENSE | NEWS | *.md | *.json | .gitignore | *.pc.in) ;;
	*)
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
			complain "$file: no SPDX line" ;;
	esac
	lines=$(wc -l <"$file")
	[ "$lines" -le $MAX_FILE ] ||
		complain "$file: $lines lines, $MAX_FILE are allowed"
	[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] ||
		complain "$file: no newline at the end"
	grep -n '[[:blank:]]$' "$file" |
		sed "s|^\([0-9]*\):.*|$file:\1: white space at the end|" |
		complain_lines
	grep -n "$(printf '\r')" "$file" |
		sed "s|^\([0-9]*\):.*|$file:\1: carriage return|" |
		complain_lines
done

# a string is not torn apart only to keep the columns
for file in $(all_files | grep -E '\.[ch]$'); do
	expand "$file" | awk -v file="$file" -v columns=$MAX_COLUMNS \
		-v longest=$MAX_FUNCTION '
		length($0) > columns && !/"/ {
			print file ":" NR ": more than " columns " columns"
		}
		/^\{/ { start = NR }
		/^\}/ && start {
			if (NR - start - 1 > longest)
				print file ":" start ": function of " \
					NR - start - 1 " lines, " longest \
					" are allowed"
			start = 0
		}' | complain_lines
	grep -nE '^ {8}' "$file" |
		sed "s|^\([0-9]*\):.*|$file:\1: blanks instead of a tab|" |
		complain_lines
done
finish
