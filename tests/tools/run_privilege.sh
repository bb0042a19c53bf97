#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_privilege.sh - as another user: what zctl says without permission for a
# userfaultfd, and programs ld.so runs in secure-execution mode.  Needs root,
# who can become that user.

. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip 'only root can become another user'
command -v setpriv >/dev/null || skip 'setpriv is not installed'

# as_user COMMAND...: with no right at all
as_user()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all --bounding-set=-all "$@"
}

# with the right to get capabilities from files
as_user_caps()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

as_user test -x "$zctl" || skip 'another user cannot reach zctl'

# neither device nor system call: all that was tried, and what would help
if as_user sh -c ': </dev/userfaultfd' 2>/dev/null ||
   [ "$(cat /proc/sys/vm/unprivileged_userfaultfd 2>/dev/null)" = 1 ]; then
	echo 'everybody may have a userfaultfd here: not tested'
	denied=
else
	denied=yes
	expect 3 'WITHOUT compression: no userfaultfd' \
		as_user "$zctl" run sh -c 'exit 3'
	contains 'UZSWAP_UFFD_FD         not set'
	contains '/dev/userfaultfd       E'
	contains 'userfaultfd(2)         E'
	contains 'zctl: fix: '
	expect 3 '' as_user "$zctl" run -q sh -c 'exit 3'
	expect 125 'no userfaultfd that sees kernel faults' \
		as_user "$zctl" run --require sh -c 'echo STARTED'
	lacks STARTED
	lacks WITHOUT
	expect 3 'compress  no' as_user "$zctl" run --dry-run true
	# nothing is left in the environment of a program run untouched
	expect 0 '' as_user "$zctl" run -q -m 4G \
		sh -c 'env | grep -e UZSWAP -e PRELOAD; true'
fi

# Preloaded by hand it is said once, not by each of many programs; here to a
# pipe of another user.  mark: such a program; or does the kernel keep marks?
compile_c mark <<'END' || broken 'no compiler'
#include <linux/keyctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char *p = malloc(100 << 20);
	if (argc > 1)
		return syscall(SYS_keyctl, KEYCTL_MOVE,
			syscall(SYS_add_key, "user", argv[1], "", 1,
				KEY_SPEC_THREAD_KEYRING),
			KEY_SPEC_THREAD_KEYRING, KEY_SPEC_PROCESS_KEYRING,
			KEYCTL_MOVE_EXCL) != 0;
	memset(p, 1, 100 << 20);
	usleep(100000);
	return 0;
}
END
real=$UZ_BUILDDIR/.libs/libuzswap.so.0
if [ "$denied" ] && [ -e "$real" ] && [ -z "$UZ_SANITIZE" ] &&
   as_user "$work/mark" probe; then
	cp "$real" "$work/real.so"
	chmod 755 "$work/real.so"
	: >"$work/said"
	cat >"$work/many" <<-END
	for i in 1 2 3 4 5 6 7 8; do $work/mark & done
	wait
	until grep -q WITHOUT $work/said; do $work/mark; done
	for i in 1 2 3 4; do $work/mark; done
	END
	as_user env LD_PRELOAD="$work/real.so" setsid -w sh "$work/many" \
		2>&1 | tee "$work/said"
	[ "$(wc -l <"$work/said")" = 1 ] ||
		fault "not said once: $(cat "$work/said")"
fi

# the descriptor of a privileged parent is enough
if [ -c /dev/userfaultfd ]; then
	expect 0 'compress  yes' "$zctl" run \
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$zctl" run --dry-run true
	contains 'UZSWAP_UFFD_FD         works'
fi

# set-user-id and set-group-id, for whom it changes something
echo 'int main(void) { return 3; }' | compile_c setuid ||
	broken 'no compiler'
cp "$work/setuid" "$work/setgid"
cp "$work/setuid" "$work/setcap"
chmod 4755 "$work/setuid"
chgrp 65534 "$work/setgid"
chmod 2755 "$work/setgid"
secure='ld.so ignores LD_PRELOAD in secure-execution mode'
expect 125 "$work/setuid: is set-user-id, $secure" \
	as_user_caps "$zctl" run --require "$work/setuid"
expect 3 "WITHOUT compression: $work/setuid: is set-user-id" \
	as_user_caps "$zctl" run "$work/setuid"
expect 125 "$work/setgid: is set-group-id, $secure" \
	"$zctl" run --require "$work/setgid"
if "$zctl" run --require true 2>/dev/null; then
	# nothing changes: root started it, or new privileges are off
	expect 3 '' "$zctl" run --require "$work/setuid"
	expect 3 '' "$zctl" run setpriv --reuid=65534 --regid=65534 \
		--clear-groups --no-new-privs \
		"$zctl" run --require "$work/setuid"
fi
if setcap cap_net_raw+ep "$work/setcap" 2>/dev/null; then
	expect 125 "$work/setcap: has file capabilities, $secure" \
		as_user_caps "$zctl" run --require "$work/setcap"
fi

# processes of others are not ours to look into
build_fake
chmod 755 "$work/$comm"
fake good
expect 5 'ermission denied' as_user "$zctl" stats "$pid"
expect 0 'process' as_user "$zctl" list
lacks "$pid"
end_fake

# but our own are, through the descriptors of their threads
fake good as_user
expect 0 '1000.0M managed' as_user "$zctl" stats "$pid"
expect 0 "$pid" as_user "$zctl" list
end_fake
fake pipe as_user
expect 0 'child' as_user "$zctl" stats "$pid"
end_fake
finish
