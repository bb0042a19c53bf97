/* SPDX-License-Identifier: MIT */
/*
 * The key is made in the keyring of this thread, and then moved to that of
 * the user, which fails if there is one of that name: so exactly one process
 * is the first.  An expired key is in the way until the kernel collects it,
 * five minutes later.
 */
#include "base/mark.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "base/text.h"

#define SECONDS		60

bool mark_is_first(const char *what)
{
	char name[3 * TEXT_NUM] = "";
	char number[TEXT_NUM];
	const char *limit = name + sizeof(name);
	char *end = name;
	long key;

	text_append(&end, limit, "uzswap:");
	text_append(&end, limit, what);
	text_append(&end, limit, ":");
	text_append(&end, limit,
		    text_u64(number, sizeof(number), (uint64_t)
			     sys_call6(SYS_getsid, 0, 0, 0, 0, 0, 0)));
	key = sys_call6(SYS_add_key, (long)"user", (long)name, (long)"", 1,
			KEY_SPEC_THREAD_KEYRING, 0);
	if (sys_failed(key))
		return true;
	sys_call6(SYS_keyctl, KEYCTL_SET_TIMEOUT, key, SECONDS, 0, 0, 0);
	return sys_call6(SYS_keyctl, KEYCTL_MOVE, key, KEY_SPEC_THREAD_KEYRING,
			 KEY_SPEC_USER_KEYRING, KEYCTL_MOVE_EXCL, 0) !=
	       -EEXIST;
}
