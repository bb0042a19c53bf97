# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# lib.sh - for scripts here that run a program of this folder under what was
# built; to be sourced.  Sets $build, $zctl, and $work, a folder that goes at
# the end.  Ends with 77 where nothing can run.
#
#   compile NAME            NAME.c of this folder to $work/NAME

here=$(cd "$(dirname "$0")" && pwd) || exit 99
build=${UZ_BUILDDIR:-$here/../../build}
build=$(cd "$build" && pwd) || exit 99
zctl=$build/zctl

"$zctl" run --require -- true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd here, or nothing is built'; exit 77; }
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

compile()
{
	${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -pthread -o "$work/$1" \
		"$here/$1.c" || exit 99
}
