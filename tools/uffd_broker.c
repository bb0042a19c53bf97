/* SPDX-License-Identifier: MIT */
/*
 * uzswap-uffd: the broker that hands out an open /dev/userfaultfd.
 *
 *   uzswap-uffd [--socket=PATH] [--group=GROUP]
 *
 * Started by systemd on the first connection (uzswap-uffd.socket), or with a
 * socket of its own.  It opens the device, then gives up root, every
 * capability and the right to gain any, and from there on can do nothing but
 * accept, look who it is (SO_PEERCRED), and send that one descriptor.  It
 * never reads from a client, so none can hold it up or confuse it.
 *
 * The mode of the socket already keeps others out; the check is there for
 * the day when somebody makes the socket world-writable to try something.
 */
#define _GNU_SOURCE
#include <argp.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker.h"
#include "library.h"
#include "zctl.h"

#define DEVICE		"/dev/userfaultfd"
#define PASSED_FD	3	/* the first descriptor passed by systemd */
#define BACKLOG		16
#define MAX_GROUPS	256
#define NOBODY		65534

const char *argp_program_version = "uzswap-uffd " PACKAGE_VERSION;

struct broker {
	const char *socket;
	const char *group;
	gid_t gid;
	int device;
};

static const struct argp_option options[] = {
	{ "socket", 's', "PATH", 0,
	  "listen there, unless systemd passes a socket (default "
	  BROKER_SOCKET ")", 0 },
	{ "group", 'g', "GROUP", 0,
	  "who may have the device, besides root (default " UZSWAP_GROUP ")",
	  0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct broker *broker = state->input;

	switch (key) {
	case 's':
		broker->socket = arg;
		return 0;
	case 'g':
		broker->group = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Hand out an open /dev/userfaultfd to members of a group.",
};

static void fail(const char *what)
{
	fprintf(stderr, "uzswap-uffd: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static bool is_passed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *nr = getenv("LISTEN_FDS");

	return pid && nr && atol(pid) == getpid() && atol(nr) >= 1;
}

static int listen_on(const struct broker *broker)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (is_passed())
		return PASSED_FD;
	if (strlen(broker->socket) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		fail(broker->socket);
	}
	strcpy(addr.sun_path, broker->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	umask(0117);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chown(broker->socket, (uid_t)-1, broker->gid) < 0 ||
	    listen(fd, BACKLOG) < 0)
		fail(broker->socket);
	return fd;
}

/* From here on: no identity, no capability, and none to be had. */
static void give_up_privileges(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no_new_privs");
	if (geteuid() != 0)
		return;
	if (capng_change_id(NOBODY, NOBODY, CAPNG_DROP_SUPP_GRP |
			    CAPNG_CLEAR_BOUNDING) < 0)
		fail("giving up root");
}

static bool is_member(const struct passwd *pw, gid_t gid)
{
	gid_t groups[MAX_GROUPS];
	int nr = MAX_GROUPS;

	if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &nr) < 0)
		return false;
	for (int i = 0; i < nr; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool is_allowed(const struct broker *broker, const struct ucred *peer)
{
	const struct passwd *pw;

	if (peer->uid == 0 || peer->gid == broker->gid)
		return true;
	pw = getpwuid(peer->uid);
	return pw && is_member(pw, broker->gid);
}

/* The groups a process really has, as the kernel saw it connect. */
static bool has_peer_group(int fd, gid_t gid)
{
	gid_t groups[MAX_GROUPS];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static void send_device(int fd, int device)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &device, sizeof(device));
	/* fresh socket: there is room, or the client is not worth waiting */
	if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		fprintf(stderr, "uzswap-uffd: send: %s\n", strerror(errno));
}

static void serve_one(const struct broker *broker, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	if (is_allowed(broker, &peer) || has_peer_group(fd, broker->gid))
		send_device(fd, broker->device);
	else
		fprintf(stderr, "uzswap-uffd: refused: pid %d, uid %u is not "
			"in group %s\n", peer.pid, peer.uid, broker->group);
}

int main(int argc, char **argv)
{
	struct broker broker = {
		.socket = BROKER_SOCKET,
		.group = UZSWAP_GROUP,
	};
	const struct group *gr;
	int listener;

	argp_err_exit_status = EXIT_FAILURE;
	argp_parse(&argp, argc, argv, 0, NULL, &broker);
	errno = 0;
	gr = getgrnam(broker.group);
	if (!gr) {
		fprintf(stderr, "uzswap-uffd: %s: no such group\n",
			broker.group);
		return EXIT_FAILURE;
	}
	broker.gid = gr->gr_gid;
	broker.device = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (broker.device < 0)
		fail(DEVICE);
	listener = listen_on(&broker);
	give_up_privileges();
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			serve_one(&broker, fd);
			close(fd);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			fail("accept");
		}
	}
}
