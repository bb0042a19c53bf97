#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh [OPTION]... COMMAND [ARG]... - run COMMAND as root on another kernel,
# with this machine's files, in a cgroup v2 tree like systemd's.
#
#	--kernel WHAT	a Debian package (linux-image-amd64) or a .deb file
#	--mem SIZE	memory of the machine (4G)
#	--cpus N	its processors (2)
#	--seconds N	how long it may take (7200)
#
# The kernel and busybox are fetched by apt-get into a temporary folder,
# nothing is installed.  The guest sees / of this machine by 9p, read-only,
# under an overlay on a disk of its own, so whatever COMMAND writes is gone
# with it.  It starts in the present folder.  No network but loopback.
#
# Exit status: that of COMMAND; 77 skipped, with the reason; 99 no status came
# out of it: the machine did not boot, did not end, or broke down.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
kernel=linux-image-amd64 mem=4G cpus=2 seconds=7200
while :; do
	case $1 in
	--kernel) kernel=$2 ;;
	--mem) mem=$2 ;;
	--cpus) cpus=$2 ;;
	--seconds) seconds=$2 ;;
	*) break ;;
	esac
	shift 2 || exit 99
done
[ $# != 0 ] || { sed -n '4,12s/^# \{0,1\}//p' "$0"; exit 99; }

# of the first virtio machines on; with all they need
MODULES='virtio_pci virtio_blk 9pnet_virtio 9p overlay ext4 crc32c_generic'

skip()
{
	echo "SKIP: $*"
	exit 77
}

[ "$(uname -m)" = x86_64 ] || skip 'made for x86-64 only'
for tool in qemu-system-x86_64 apt-get dpkg mkfs.ext4; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/uzvm.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# fetch PACKAGE: its file, into $work
fetch()
{
	(cd "$work" && apt-get -qq download "$1" 2>"$work/log") || {
		cat "$work/log"
		skip "apt-get cannot download $1"
	}
}

# The kernel that the package $1 stands for: a meta package depends on it.
kernel_package()
{
	real=$(apt-cache depends --important "$1" 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
	echo "${real:-$1}"
}

unpack() # DEB FOLDER
{
	mkdir -p "$2" && dpkg -x "$1" "$2" || skip "cannot unpack $1"
}

case $kernel in
*.deb) unpack "$kernel" "$work/kernel" ;;
*)
	fetch "$(kernel_package "$kernel")"
	unpack "$work"/linux-image-*.deb "$work/kernel" ;;
esac
fetch busybox-static
unpack "$work"/busybox-static_*.deb "$work/busybox"
busybox=$work/busybox/bin/busybox
version=$(basename "$work"/kernel/lib/modules/*)
[ -e "$work/kernel/boot/vmlinuz-$version" ] || skip "no kernel in $kernel"

# ------------------------------------------------------ the first file system

# Files of $MODULES and of all that they need, in the order to load them.
module_files()
{
	"$busybox" depmod -b "$work/kernel" "$version" || return
	for module in $MODULES; do
		# "a.ko: b.ko c.ko": c comes before b before a
		sed -n "s,^\(.*/$module\.ko[^:]*\):\(.*\),\1\2,p" \
			"$modules/modules.dep" |
			awk '{ for (i = NF; i; i--) print $i }'
	done | awk '!seen[$0]++'
}

root=$work/root
modules=$work/kernel/lib/modules/$version
mkdir -p "$root/modules" "$root/bin" || exit 99
cp "$busybox" "$root/bin/busybox"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
module_files | while read -r file; do
	name=$(basename "$file" .xz)
	case $file in
	*.xz) "$busybox" xzcat "$modules/$file" >"$root/modules/$name" ;;
	*) cp "$modules/$file" "$root/modules/$name" ;;
	esac
	echo "$name" >>"$root/modules/order"
done
(cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null) \
	>"$work/initrd" || exit 99

# ----------------------------------------------------------- what it shall do

quoted()
{
	for word in "$@"; do
		printf " '%s'" "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
	done
}

cp "$here/guest.sh" "$work/guest.sh"
{
	echo "cd$(quoted "$PWD") || exit 99"
	for name in UZ_SRCDIR UZ_BUILDDIR CC; do
		eval "value=\$$name"
		[ -z "$value" ] || echo "export $name=$(quoted "$value" |
			sed 's/^ //')"
	done
	echo "exec$(quoted "$@")"
} >"$work/command"
truncate -s 16G "$work/disk" &&
	mkfs.ext4 -q -F -O ^has_journal "$work/disk" || exit 99

# A KVM without the processor's help (PVM) runs only kernels made for it.
# Emulated, a change of page tables at each system call would cost most, and
# on a busy host the timer does not tick as fast as the kernel wants to see.
accel=tcg cpu=max,la57=off slow='mitigations=off no_timer_check'
if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
	accel=kvm cpu=host slow=
else
	echo 'no KVM by hardware: the machine is emulated, some ten times slower'
fi
timeout -k 10 "$seconds" qemu-system-x86_64 \
	-machine pc -accel "$accel" -cpu "$cpu" -smp "$cpus" -m "$mem" \
	-nodefaults -no-reboot -display none -serial stdio \
	-kernel "$work/kernel/boot/vmlinuz-$version" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet panic=-1 $slow uzvm=$work" \
	-drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
	-virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
	</dev/null |
	sed -u -e 's/\r//g' -e "/^uzvm: status [0-9]*\$/{w $work/status
		d}"
status=$(sed -n 's/^uzvm: status //p' "$work/status")
if [ -z "$status" ]; then
	echo "no status came out of the machine with kernel $version"
	exit 99
fi
exit "$status"
