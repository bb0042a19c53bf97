#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""redis_load.py - start a Redis server somewhere, load it, check every byte.

    redis_load.py --client DIR/redis_client [--server 'PREFIX... redis-server']
                  [--group DIR] [--stats 'zctl stats --json'] [--stats-file F]
                  [--keep-log F] [-- CLIENT-OPTION...]

The server is the system's redis-server without persistence, on a socket in
a temporary directory, started through --server (words; e.g. `zctl run --
redis-server`) inside the cgroup --group.  The client (redis_client.c) and
this script run outside of the group.  When the client is done and before the
server is stopped, `STATS-COMMAND PID` is run and its output kept.

Prints the client's lines, the server's own figures, and how it ended.
Exit status: 0 all right, 1 wrong data, 2 the server died, 99 other.
"""
import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def in_group(group, command):
    here = os.path.dirname(os.path.abspath(__file__))
    script = os.path.join(here, '..', 'lib', 'in_group.sh')
    return ['sh', script, group, *command]


def wait_for(path, server, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.path.exists(path):
            return True
        if server.poll() is not None:
            return False
        time.sleep(0.05)
    return False


def info(sock, section):
    """Fields of INFO, by the system's client; {} if the server is gone."""
    try:
        out = subprocess.run(['redis-cli', '-s', sock, 'info', section],
                             capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    pairs = (line.split(':', 1) for line in out.stdout.splitlines()
             if ':' in line)
    return {k: v.strip() for k, v in pairs}


def own_figures(sock):
    memory, server = info(sock, 'memory'), info(sock, 'server')
    if 'used_memory' not in memory:
        return None
    print(f"server used_memory {int(memory['used_memory']) >> 20} MiB, "
          f"dataset {int(memory['used_memory_dataset']) >> 20} MiB, "
          f"rss {int(memory['used_memory_rss']) >> 20} MiB, "
          f"fragmentation {memory['allocator_frag_ratio']}, "
          f"VmHWM {peak_mib(server.get('process_id'))} MiB", flush=True)
    return server.get('process_id')


def peak_mib(pid):
    """Peak resident memory of a process (VmHWM), 0 if it is gone."""
    try:
        with open(f'/proc/{pid}/status') as status:
            for line in status:
                if line.startswith('VmHWM'):
                    return int(line.split()[1]) >> 10
    except OSError:
        pass
    return 0


def take_stats(arg, pid):
    if not arg.stats or not pid:
        return
    try:
        out = subprocess.run([*shlex.split(arg.stats), pid],
                             capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as e:
        print(f'stats: {e}')
        return
    if arg.stats_file:
        with open(arg.stats_file, 'w') as f:
            f.write(out.stdout)
    if out.returncode:
        print(f'stats: exit {out.returncode}: {out.stderr.strip()}')


def stop(server):
    """Ends the server; says how it ended."""
    early = server.poll()
    if early is None:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        return 'alive'
    if early < 0:
        return f'killed by signal {-early}'
    return f'killed by signal {early - 128}' if early > 128 \
        else f'ended with status {early}'


def run(arg, folder):
    sock = os.path.join(folder, 'redis.sock')
    command = [*shlex.split(arg.server), '--port', '0', '--unixsocket', sock,
               '--save', '', '--appendonly', 'no', '--daemonize', 'no',
               '--dir', folder, '--logfile', os.path.join(folder, 'log')]
    server = subprocess.Popen(in_group(arg.group, command),
                              stdin=subprocess.DEVNULL)
    try:
        if not wait_for(sock, server):
            print(f'server did not start: {stop(server)}')
            return 2
        client = subprocess.run([arg.client, *arg.option, sock])
        if client.returncode == 2:
            time.sleep(0.5)
        if server.poll() is None:
            take_stats(arg, own_figures(sock))
        code = client.returncode
        if server.poll() is not None:
            code = 2
        print(f'server {stop(server)}', flush=True)
        return code
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
        if arg.keep_log:
            shutil.copy(os.path.join(folder, 'log'), arg.keep_log)


def main():
    opt = argparse.ArgumentParser(description='Redis under load, checked')
    opt.add_argument('--client', required=True)
    opt.add_argument('--server', default='redis-server')
    opt.add_argument('--group', default='-')
    opt.add_argument('--stats')
    opt.add_argument('--stats-file')
    opt.add_argument('--keep-log')
    opt.add_argument('option', nargs='*')
    arg = opt.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix='redis-load-')
    try:
        return run(arg, folder)
    except OSError as e:
        print(f'redis_load: {e}', file=sys.stderr)
        return 99
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    sys.exit(main())
