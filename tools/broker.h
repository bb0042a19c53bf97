/* SPDX-License-Identifier: MIT */
/*
 * The broker of userfaultfd devices: a socket that gives an open
 * /dev/userfaultfd to whoever may connect.
 *
 * It serves those who can not open the device: containers get the socket by
 * a bind mount, services under PrivateDevices by a path.  The protocol is as
 * small as can be: connect, and receive one byte with one descriptor; or be
 * hung up on.  The library does the same in src/base/uffd.c.
 */
#ifndef UZ_TOOLS_BROKER_H
#define UZ_TOOLS_BROKER_H

#define BROKER_SOCKET	"/run/uzswap/uffd.sock"
#define BROKER_TIMEOUT_MS	1000

/*
 * Ask the broker at the socket PATH.
 *
 * Returns  a descriptor that closes on exec, or -errno; -EACCES also when it
 *          hung up, -EPROTO when it sent something else
 */
int broker_ask(const char *path);

#endif
