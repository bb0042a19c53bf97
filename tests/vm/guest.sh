#!/bin/sh
# SPDX-License-Identifier: MIT
#
# guest.sh COMMANDS - process 1 of the guest: mounts what a system has, makes
# groups as systemd does, runs the script COMMANDS as if somebody had logged in,
# says how it ended, and switches the machine off.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
ln -sf /proc/self/fd /dev/fd
hostname vm

group=/sys/fs/cgroup
mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 $group
mkdir $group/init.scope
echo 1 >$group/init.scope/cgroup.procs
for part in user.slice user-0.slice session-1.scope; do
	echo '+cpu +memory +pids' >$group/cgroup.subtree_control
	group=$group/$part
	mkdir $group
done

(
	echo 0 >$group/cgroup.procs
	sh "$1" </dev/null 2>&1
	echo $? >/run/status
) | cat
echo "uzvm: status $(cat /run/status)"
sync
echo o >/proc/sysrq-trigger
sleep 60
