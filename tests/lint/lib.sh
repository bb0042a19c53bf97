# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034
#
# lib.sh - what the lint scripts share; to be sourced.
#
# Goes to the top of the sources and defines complain() and finish(): a script
# complains about all it finds, and finish decides.  all_files lists what
# belongs to the project: what git knows, or in a tarball what is there.

cd "${UZ_SRCDIR:-$(dirname "$0")/../..}" || exit 99
builddir=${UZ_BUILDDIR:-.}
CC=${CC:-cc}
NM=${NM:-nm}

faults=$(mktemp) || exit 99
trap 'rm -f "$faults"' EXIT

complain()
{
	printf '%s\n' "$*" >>"$faults"
}

# Lines on stdin are complaints.
complain_lines()
{
	cat >>"$faults"
}

finish()
{
	[ -s "$faults" ] || exit 0
	sort -u "$faults"
	echo "$(sort -u "$faults" | wc -l) complaints"
	exit 1
}

skip()
{
	echo "$*"
	exit 77
}

all_files()
{
	if [ -e .git ] && git ls-files >/dev/null 2>&1; then
		git ls-files | while read -r file; do
			[ ! -f "$file" ] || echo "$file"
		done
	else
		find .ci .clang-format CONTRIBUTING.md LICENSE Makefile.am NEWS \
			README.md SECURITY.md autogen.sh check configure.ac \
			completion demo dist docs examples include m4 man \
			src tests tools uzswap.pc.in \
			-type f \( -name '*.[ch]' -o -name '*.sh' -o \
			-name '*.py' -o -name '*.js' -o -name '*.m[k4]' -o \
			-name '*.md' -o -name '*.map' -o -name '*.[1-9]' -o \
			-path 'm4/uz.m4' -o -path 'dist/*[a-z]' -o \
			-path 'examples/*' -o -path 'completion/*' -o ! -path '*/*' \) \
			! -name 'l*.m4' ! -path '*/__pycache__/*' 2>/dev/null
	fi
}
