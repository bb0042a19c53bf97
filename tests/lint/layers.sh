#!/bin/sh
# SPDX-License-Identifier: MIT
#
# layers.sh - includes go down only:
#
#	base <- space \
#	base <- store <- engine <- watch <- hooks	tools -> include/
#
# and some knowledge is in one file only: system calls, userfaultfd's header,
# the codecs' headers.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"

may_include()
{
	case $1 in
	base) echo base ;;
	space) echo base space ;;
	store) echo base store ;;
	engine) echo base space store engine ;;
	watch) echo base space store engine watch ;;
	hooks) echo base space store engine watch hooks ;;
	esac
}

check_source()
{
	folder=${1#src/}
	folder=${folder%%/*}
	own=${1#src/}
	own=${own%.c}.h
	first=yes
	for name in $(sed -n 's/^#[ ]*include "\(.*\)".*/\1/p' "$1"); do
		case $name in
		uzswap/* | uzswap.h) continue ;;
		*/*) ;;
		*)
			complain "$1: \"$name\" is not written as \"folder/$name\""
			continue ;;
		esac
		case " $(may_include "$folder") " in
		*" ${name%%/*} "*) ;;
		*) complain "$1: $folder must not include \"$name\"" ;;
		esac
		case $1 in
		*.c)
			if [ $first = yes ] && [ -f "src/$own" ] &&
			   [ "$name" != "$own" ]; then
				complain "$1: its own header comes first"
			fi ;;
		esac
		first=no
	done
}

# only_in 'FILES' PATTERN WHAT: PATTERN occurs nowhere else below src.
only_in()
{
	for hit in $(all_files | grep '^src/.*\.[ch]$' |
		     xargs grep -lE -- "$2" /dev/null); do
		case " $1 " in
		*" $hit "*) ;;
		*) complain "$hit: $3 only in $1" ;;
		esac
	done
}

for file in $(all_files | grep '^src/.*\.[ch]$'); do
	check_source "$file"
done
for file in $(all_files | grep '^tools/.*\.[ch]$'); do
	sed -n 's/^#[ ]*include ["<]\(.*\/.*\)[">].*/\1/p' "$file" |
		grep -E '^(base|space|store|engine|watch|hooks)/' |
		sed "s|^|$file: zctl must not include |" | complain_lines
done

# hook_fork.c defines the program's syscall(), it does not call one
only_in 'src/base/sys_call.c src/hooks/hook_fork.c' '(^|[^_a-z])syscall\(' 'syscall()'
only_in 'src/base/uffd.c' 'include <linux/userfaultfd.h>' 'userfaultfd.h'
only_in 'src/store/codec_lz4.c' 'include <lz4.*>' 'lz4.h'
only_in 'src/store/codec_zstd.c' 'include <zstd.*>' 'zstd.h'

all_files | grep '^src/.*\.[ch]$' | sed 's|.*/||' | sort | uniq -d |
	sed 's|$|: there are two files of this name below src|' |
	complain_lines
finish
