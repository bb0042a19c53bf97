#!/bin/sh
# SPDX-License-Identifier: MIT
#
# child_variables.sh - a forked child has the thread-local variables of libc,
# on a page that nobody has used for a while, and of which libc and the library
# use some before anything is registered in the child: under torture, with both
# engines.

# shellcheck source=tests/lib/script.sh
. "$(dirname "$0")/../lib/script.sh"

zctl=$UZ_BUILDDIR/zctl
cd "$work" || exit 99
[ -e "$UZ_BUILDDIR/.libs/libuzswap.so.0" ] || skip 'the library was not built'
"$zctl" run --require true >/dev/null 2>&1 || skip 'no userfaultfd'

# between the library's variables and libc's
cat >room.c <<'END'
_Thread_local char room[16384];
char *room_at(void);
char *room_at(void) { return room; }
END
# shellcheck disable=SC2086 # CC may have arguments
{
	$CC -shared -fPIC -o libroom.so room.c &&
		$CC -std=gnu11 -O1 -o forking_thread \
			"$UZ_SRCDIR/tests/tools/forking_thread.c" -pthread \
			-Wl,--no-as-needed -L. -lroom "-Wl,-rpath,$work"
} || broken 'it does not build'

for engine in move wp; do
	timeout 120 "$zctl" run --require --torture=1 --set "engine=$engine" \
		-- ./forking_thread || broken "engine $engine: status $?"
done
exit 0
