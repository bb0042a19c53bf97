# SPDX-License-Identifier: MIT
"""peers.py - memory cgroups and compressed swap of the kernel, set up for a
measurement and taken down again.

Group     a memory cgroup, version 1 or 2, removed with what still runs in it
Zram      a new zram device with lz4, used as swap
Zswap     zswap with lz4 in front of a swap file
Sampler   a thread that reads usage and pool now and then

Everything made is undone in close(), also after an exception; zswap's
settings are put back as they were.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time


def write(path, text):
    with open(path, 'w') as f:
        f.write(str(text))


def read(path):
    with open(path) as f:
        return f.read().strip()


def number(path):
    try:
        return int(read(path))
    except (OSError, ValueError):
        return 0


def swap_off(path):
    """Others, too, may have pages there, and no memory for them now."""
    for _ in range(300):
        if path not in read('/proc/swaps').split():
            return
        if not subprocess.run(['swapoff', path],
                              stderr=subprocess.DEVNULL).returncode:
            return
        time.sleep(0.1)
    raise OSError(f'cannot take {path} out of use as swap')


class Group:
    """A cgroup of LIMIT bytes (None: unlimited), below our own."""
    serial = 0

    @staticmethod
    def base():
        """(version, directory) where groups can be made, or None."""
        own = {f[1]: f[2] for f in (line.split(':', 2) for line in
                                    read('/proc/self/cgroup').split('\n'))}
        v2 = None
        for line in read('/proc/self/mountinfo').split('\n'):
            head, tail = line.split(' - ')
            mount, kind = head.split()[4], tail.split()
            if kind[0] == 'cgroup' and 'memory' in kind[2].split(','):
                path = mount + own.get('memory', '/')
                return 1, path if os.path.isdir(path) else mount
            if kind[0] == 'cgroup2':
                v2 = mount
        while v2:
            path = v2 + own.get('', '/')
            while len(path) >= len(v2):
                try:
                    write(path + '/cgroup.subtree_control', '+memory')
                    return 2, path
                except OSError:
                    path = os.path.dirname(path)
            v2 = None
        return None

    def __init__(self, limit, swap):
        found = Group.base()
        if not found:
            raise OSError('no memory controller to make a group with')
        self.version, base = found
        Group.serial += 1
        self.path = f'{base}/uzbench-{os.getpid()}-{Group.serial}'
        os.mkdir(self.path)
        if limit:
            write(self.file('memory.limit_in_bytes', 'memory.max'), limit)
        if self.version == 2 and not swap:
            write(self.path + '/memory.swap.max', 0)
        if self.version == 1 and not swap:
            write(self.path + '/memory.swappiness', 0)

    def file(self, v1, v2):
        return f'{self.path}/{v1 if self.version == 1 else v2}'

    def enter(self):
        """In the child, before it becomes the program."""
        write(self.path + '/cgroup.procs', os.getpid())

    def usage(self):
        return number(self.file('memory.usage_in_bytes', 'memory.current'))

    def oom_kills(self):
        for line in read(self.file('memory.oom_control',
                                   'memory.events')).split('\n'):
            if line.startswith('oom_kill '):
                return int(line.split()[1])
        return 0

    def close(self):
        for _ in range(200):
            try:
                os.rmdir(self.path)
                return
            except FileNotFoundError:
                return
            except OSError:
                for pid in read(self.path + '/cgroup.procs').split():
                    os.kill(int(pid), 9)
                time.sleep(0.05)
        raise OSError(f'cannot remove {self.path}')


class Zram:
    """zram swap; its pool is not charged to the group."""

    def __init__(self, size):
        if not os.path.exists('/sys/class/zram-control') and \
                shutil.which('modprobe'):
            subprocess.run(['modprobe', 'zram'], check=True)
        self.number = read('/sys/class/zram-control/hot_add')
        self.sys = f'/sys/block/zram{self.number}'
        self.device = f'/dev/zram{self.number}'
        try:
            write(self.sys + '/comp_algorithm', 'lz4')
            write(self.sys + '/disksize', size)
            if not os.path.exists(self.device):
                major, minor = map(int, read(self.sys + '/dev').split(':'))
                os.mknod(self.device, 0o600 | 0o060000,
                         os.makedev(major, minor))
            subprocess.run(['mkswap', self.device], check=True,
                           stdout=subprocess.DEVNULL)
            subprocess.run(['swapon', '-p', '100', self.device], check=True)
        except BaseException:
            self.close()
            raise

    def pool(self):
        try:
            return int(read(self.sys + '/mm_stat').split()[2])
        except (OSError, IndexError):
            return 0

    def close(self):
        swap_off(self.device)
        write(self.sys + '/reset', 1)
        write('/sys/class/zram-control/hot_remove', self.number)
        if os.path.exists(self.device):
            os.unlink(self.device)


class Zswap:
    """zswap in front of a file; not charged to a group of version 1.

    A kernel that has no lz4 for zswap keeps the compressor it has; it is
    told apart by its name on the standard error.
    """
    WANT = {'compressor': 'lz4', 'max_pool_percent': 50, 'enabled': 1}

    def __init__(self, size):
        self.was = {}
        self.file = None
        try:
            for name, value in self.WANT.items():
                path = '/sys/module/zswap/parameters/' + name
                self.was[path] = read(path)
                self.set(path, value)
            fd, self.file = tempfile.mkstemp(prefix='uzbench-swap-',
                                             dir='/var/tmp')
            os.posix_fallocate(fd, 0, size)
            os.close(fd)
            subprocess.run(['mkswap', self.file], check=True,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            subprocess.run(['swapon', '-p', '100', self.file], check=True)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def set(path, value):
        try:
            write(path, value)
        except FileNotFoundError:
            if not os.path.exists(path):
                raise
            print(f'# zswap: no {value} here, {read(path)} instead',
                  file=sys.stderr)

    def pool(self):
        for line in read('/proc/meminfo').split('\n'):
            if line.startswith('Zswap:'):
                return int(line.split()[1]) << 10
        return 0

    def close(self):
        if self.file:
            swap_off(self.file)
            os.unlink(self.file)
            self.file = None
        for path, value in reversed(list(self.was.items())):
            write(path, value)


class Sampler(threading.Thread):
    """Usage of GROUP and the pool of SWAP (may be None), 20 times a second."""

    def __init__(self, group, swap, limit):
        super().__init__(daemon=True)
        self.group, self.swap, self.limit = group, swap, limit
        self.seen = []          # (time, usage, pool)
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.05):
            usage = self.group.usage()
            if self.swap and self.group.version == 2 and \
                    isinstance(self.swap, Zswap):
                usage -= self.swap.pool()       # charged there
            self.seen.append((time.monotonic(), usage,
                              self.swap.pool() if self.swap else 0))

    def total(self, start=0, end=float('inf')):
        """Average of usage and pool while the limit was being felt."""
        full = [t for t, usage, _ in self.seen
                if self.limit and usage >= 0.95 * self.limit]
        first = full[0] if full else 0
        part = [u + p for t, u, p in self.seen
                if max(start, first) <= t <= end]
        return sum(part) / len(part) if part else 0

    def stop(self):
        self.ended.set()
        self.join()
