#!/bin/sh
# SPDX-License-Identifier: MIT
#
# symbols.sh - what the objects of the library call, define and export.
#
# The engine (base .. watch) may be in the middle of a page fault of the
# program: whatever it calls must neither allocate, nor print, nor be a
# function that the library itself interposes.  So its objects may use the
# few functions listed here and nothing else.  Data that can change belongs
# to callers, apart from the few files that own the one instance.
#
# The library exports what exports.map says and nothing more, and imports
# no function of a codec: that would be the program's codec.

. "${UZ_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"

# Functions of libc without state, locks and memory, and what the compiler
# itself inserts.
ENGINE_MAY_CALL='memcpy memmove memset memcmp bcmp memchr memrchr mempcpy stpcpy
strlen strnlen strcmp strncmp strchr strrchr strstr strspn strcspn
_GLOBAL_OFFSET_TABLE_'

# Files with the one instance of something that can change.
ENGINE_MAY_KEEP='engine preload log count torture vdso'

# What libgcc's unwinder calls, and in which of it: rows of its registers are
# set up once; tables that a program registers with another copy of it are not
# known to ours, so that it never waits for the lock on these.
UNWINDER_CALLS='abort pthread_once pthread_mutex_lock pthread_mutex_unlock
__pthread_key_create'

# libc as the hooks see it, dl_iterate_phdr by the constructor only; malloc,
# calloc and free are in parts of the codecs that nobody calls.
LIBRARY_MAY_CALL="$ENGINE_MAY_CALL dlsym dladdr dl_iterate_phdr
__register_atfork
__errno_location __stack_chk_fail
_IO_list_all malloc calloc free pthread_self pthread_mutexattr_getrobust
_dl_find_object $UNWINDER_CALLS"

archive=$builddir/.libs/libengine.a
[ -f "$archive" ] || archive=$builddir/libengine.a
[ -f "$archive" ] || skip "libengine.a was not built in $builddir"
[ -z "$UZ_SANITIZE" ] || skip 'sanitizers add calls of their own'
command -v "${NM%% *}" >/dev/null || skip "$NM is not installed"
command -v objdump >/dev/null || skip 'objdump is not installed'

work=$(mktemp -d) || exit 99
trap 'rm -rf "$faults" "$work"' EXIT

words() { printf '%s\n' "$@" | tr -s ' \t\n' '\n' | sort -u; }

# ------------------------------------------------- what the engine calls

$NM -A "$archive" 2>/dev/null |
	sed -n 's/^[^:]*:libengine_la-\([^:]*\)\.o:.* U \([^ ]*\)$/\2 \1/p' |
	sort -u >"$work/uses"
$NM --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' |
	sort -u >"$work/defines"
{
	words "$ENGINE_MAY_CALL"
	cat "$work/defines"
} | sort -u >"$work/may"
[ -s "$work/uses" ] || complain "$archive: no symbols found in it"
awk 'NR == FNR { may[$1] = 1; next }
	!may[$1] && $1 !~ /^(LZ4|ZSTD)_/ && $1 !~ /^__[a-z]+[sdt]i[234]$/ {
		print $2 ".c calls " $1 "()" }' "$work/may" "$work/uses" |
	complain_lines
awk '$1 ~ /^(LZ4|ZSTD)_/ && $2 !~ /^codec_/ {
	print $2 ".c calls " $1 "(): only codec_*.c may" }' "$work/uses" |
	complain_lines

# ------------------------------------- what in the engine can be changed

objdump -t "$archive" 2>/dev/null | awk -v keep="$ENGINE_MAY_KEEP" '
	BEGIN { n = split(keep, k, " "); for (i = 1; i <= n; i++) ok[k[i]] = 1 }
	/^libengine_la-.*file format/ {
		file = $1
		sub(/^libengine_la-/, "", file)
		sub(/\.o:$/, "", file)
	}
	/ O (\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && !/\.rel\.ro/ {
		# said_ is the once of log_once()
		if (!ok[file] && $0 !~ / (__func__|said_)/)
			print file ".c has data of its own: " $NF
	}' | complain_lines

# ------------------------------------------------------------ the library

lib=$builddir/.libs/libuzswap.so.0
if [ ! -e "$lib" ]; then
	[ ! -s "$faults" ] || finish
	skip 'the engine is fine; libuzswap.so was not built'
fi

sed 's,/\*[^*]*\*/,,g; s,#.*,,' src/hooks/exports.map |
	tr -s ' \t;{}' '\n' | awk '
	$1 == "global:" { on = 1; next }
	$1 == "local:" { on = 0 }
	on && $1 != "" { print $1 }' | sort -u >"$work/map"
$NM -D --defined-only "$lib" | awk '{ print $NF }' |
	sed 's/@.*//' | sort -u >"$work/exports"
comm -23 "$work/map" "$work/exports" |
	sed 's/$/: is in exports.map and not exported/' | complain_lines
comm -13 "$work/map" "$work/exports" |
	sed 's/$/: is exported and not in exports.map/' | complain_lines

# an engine object that calls what we interpose would call itself
awk 'NR == FNR { hook[$1] = 1; next }
	hook[$1] { print $2 ".c calls " $1 "(), which we interpose" }' \
	"$work/map" "$work/uses" | complain_lines

words "$LIBRARY_MAY_CALL" >"$work/may"
$NM -D --undefined-only "$lib" | awk '$1 == "U" { print $2 }' |
	sed 's/@.*//' | sort -u >"$work/imports"
comm -23 "$work/imports" "$work/may" |
	sed 's/$/: is imported by the library, and not in the list/' |
	complain_lines
$NM -D "$lib" | grep -E 'LZ4|ZSTD' | sed 's/$/: a codec must stay inside/' |
	complain_lines
$NM -D "$lib" | grep _Unwind | sed 's/$/: the unwinder must stay inside/' |
	complain_lines

readelf -VW "$lib" | grep -q 'Version definition' &&
	complain "$lib: exports with a version name are not interposed"
readelf -dW "$lib" | grep -q 'FLAGS.*NOW' ||
	complain "$lib: is not bound at load time (-z now)"
readelf -dW "$lib" | grep -q NODELETE ||
	complain "$lib: can be unloaded (no -z nodelete)"
readelf -lW "$lib" | grep 'GNU_STACK' | grep -q 'RWE' &&
	complain "$lib: wants an executable stack"
readelf -dW "$lib" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
	grep -vE '^(libc\.so\.6|ld-linux.*)$' |
	sed 's/$/: is needed by the library, besides libc/' | complain_lines
finish
