#!/bin/sh
# SPDX-License-Identifier: MIT
#
# transcript.sh - every command of zctl on a Redis under load, a Java and a
# Python program, as Markdown: docs/transcript.md.  As root, as a user in the
# group of the device, as one with the broker alone, in a user namespace with
# a seccomp filter like Docker's, and as a user with nothing.
#
#	UZ_BUILDDIR=build docs/transcript.sh >docs/transcript.md
#
# Nothing is written by hand: a command that ends with another status than is
# told here, or data that is wrong at the end, is said on stderr, and the exit
# status is 1.  Of long outputs the first lines are kept; they end in `...`.
# Only the names of temporary folders are left out.  Each kind of user is in a
# pid namespace of its own, so that lists show nobody else's processes.

# --------------------------------------------------- as whoever it is told to

# t STATUS[|STATUS] LINES COMMAND: show it, its first LINES lines, its status
t()
{
	expected=$1
	lines=$2
	[ "$who" = root ] || [ "$lines" -le 4 ] || lines=${brief:-4}
	printf '$ %s\n' "$3"
	sh -c "$3" >out 2>&1 </dev/null
	got=$?
	sed -e "s,$work/\.libs/,/usr/lib/x86_64-linux-gnu/,g;s,$work/,,g" \
		-e 's/\(kernel [0-9.]*\)-[^,]*/\1/' \
		-e 's/^\(.\{150\}\).*/\1.../' out | head -n "$lines"
	[ "$(wc -l <out)" -le "$lines" ] || echo ...
	[ $got = 0 ] || echo "(status $got)"
	case "|$expected|" in
	*"|$got|"*) ;;
	*) echo "$who: $3: status $got: $(cat out)" >&2
		touch "$work/$who/fault" ;;
	esac
}

# what does not depend on who asks: once
once()
{
	[ "$who" != root ] || t "$@"
}

# starts NAME LIMIT COMMAND: under zctl run -v, in the background; sets pid
starts()
{
	printf '$ zctl run -v -m %s --name %s -- %s &\n' "$2" "$1" "$3" |
		sed "s,$work,.,"
	# shellcheck disable=SC2086 # words
	zctl run -v -m "$2" --name "$1" --set stats_at_exit=1 -- $3 \
		>"$1.said" 2>&1 </dev/null &
	pid=$!
	soon grep -q "${4:-ready}" "$1.said"
	sed -n "s,$work/,,g;/^zctl:/p" "$1.said"
}

soon()
{
	tries=0
	until "$@" 2>/dev/null >&2; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || {
			echo "$who: in vain: $*: $(cat ./*.said)" >&2
			touch "$work/$who/fault"
			return
		}
		sleep 0.1
	done
}

session()
{
	cd "$work/$who" || exit 99
	rm -f end
	starts cache 80M "redis-server --port 0 --unixsocket sock --save ''" \
		'ready to accept'
	redis=$pid
	"$work/redis_client" --bytes 100663296 --seconds 5 sock \
		>client.said 2>&1 &
	client=$!
	starts shop 80M "java -Xmx160m -XX:-UsePerfData -cp $work Shop"
	java=$pid
	starts job 80M "python3 $work/job.py"
	python=$pid
	soon grep -q ^load client.said
	sleep 1
	t 0 9 "zctl list"
	once 0 2 "zctl list --json"
	t 0 30 "zctl stats $redis"
	once 0 6 "zctl stats --vmas $java"
	once 0 4 "zctl stats --watch=0.5 --json $python | head -n 2"
	t 0 9 "zctl top -b -n 1"
	t 0 9 "zctl set $java limit=70M compressor=lz4+zstd:3"
	once 2 3 "zctl set $java limt=1G"
	once 0 3 "zctl set $java limit compressor"
	t 0 3 "zctl reclaim --dry-run $python 50%"
	t '0|3' 3 "zctl reclaim $python 50%"
	t 0 3 "zctl off --keep $redis"
	t 0 3 "zctl on $redis"
	t 0 3 "zctl off $python"
	t 0 3 "zctl list -n job -o PID,NAME,RESIDENT,STORED,STATE"
	t 0 3 "zctl on $python"
	brief=20
	t '0|3' 20 "zctl doctor"
	brief=
	t '0|3' 9 "zctl doctor $java"
	once 1 3 "zctl doctor /sbin/ldconfig"
	t 0 9 "zctl metrics --by=name | grep -v '^#' | grep '\"cache\"'"
	t 0 12 "zctl forecast -d 10 $redis"
	once 4 2 "zctl stats 2147483646"
	touch end
	wait $client
	t 0 3 "cut -d, -f1,2,3,7 client.said | grep wrong"
	kill $redis
	for p in $redis $java $python; do
		wait "$p" || {
			echo "$who: a program ended with $?" >&2
			touch "$work/$who/fault"
		}
	done
	t 0 9 "grep -h -e ^uzswap -e right ./*.said"
}

# with no permission at all
nothing()
{
	cd "$work/$who" || exit 99
	brief=20
	t 3 9 "zctl run -m 100M -- sh -c 'exit 3'"
	t 125 9 "zctl run --require -m 100M -- sh -c 'exit 3'"
	t 1 20 "zctl doctor"
	t 5 3 "zctl stats $(cat "$work/root.pid")"
	t 5 3 "zctl set $(cat "$work/root.pid") limit=1G"
	t 0 3 "zctl list"
}

if [ "$1" = --as ]; then
	who=$2
	work=$3
	PATH=$work:/usr/bin:/bin
	"$4"
	exit
fi

# --------------------------------------------------------------------- root

src=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${UZ_BUILDDIR:-$src/build}" && pwd) || exit 99
for need in redis-server java javac python3 setpriv unshare; do
	command -v $need >/dev/null || { echo "SKIP: no $need"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo 'SKIP: only root can be all of them'; exit 77; }
work=$(mktemp -d /tmp/uzswap-transcript.XXXXXX) || exit 99
broker=
clean_up()
{
	[ -z "$broker" ] || kill "$broker"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
chmod 755 "$work"
mkdir "$work/.libs" && cp "$build/zctl" "$work" &&
	cp -L "$build/.libs/libuzswap.so.0" "$work/.libs" || exit 99
sh "$src/tests/real/build.sh" "$work" >"$work/log" || exit 99
${CC:-cc} -o "$work/in_container" "$src/tests/tools/in_container.c" \
	-lseccomp || exit 99
cp "$0" "$work/transcript.sh"

cat >"$work/job.py" <<'END'
import json, os, time, zlib
lines = [json.dumps({"id": n, "name": "item %d" % (n * 7919 % 1000003),
                     "price": n % 977, "tags": ["a%d" % (n % 13)] * 3})
         for n in range(600000)]
total = sum(zlib.crc32(l.encode()) for l in lines)
print("ready", flush=True)
while not os.path.exists("end"):
    sum(len(l) for l in lines[:50000])
    time.sleep(0.05)
right = sum(zlib.crc32(l.encode()) for l in lines) == total
print("python:", len(lines), "lines are", "right" if right else "WRONG")
END
cat >"$work/Shop.java" <<'END'
import java.io.File;
import java.util.HashMap;

public class Shop {
	static String record(int n) {
		return "{\"customer\":" + n + ",\"city\":\"town " + n % 977 +
			"\",\"orders\":[" + n * 31L % 1009 + "," + n % 7 + "]}";
	}

	public static void main(String[] args) throws Exception {
		HashMap<Integer, String> all = new HashMap<>();
		for (int n = 0; n < 400000; n++)
			all.put(n, record(n));
		System.out.println("ready");
		long seen = 0;
		while (!new File("end").exists()) {
			for (int n = 0; n < 50000; n++)
				seen += all.get(n).length();
			Thread.sleep(50);
		}
		int wrong = 0;
		for (int n = 0; n < 400000; n++)
			if (!all.get(n).equals(record(n)))
				wrong++;
		System.out.println("java: " + all.size() + " records, " +
			(wrong == 0 ? "all right" : wrong + " WRONG"));
	}
}
END
javac -d "$work" "$work/Shop.java" || exit 99

# section WHO TITLE FUNCTION [COMMAND...]: through COMMAND
section()
{
	who=$1
	title=$2
	part=$3
	shift 3
	mkdir "$work/$who" && chmod 777 "$work/$who"
	printf '\n## %s\n\n```\n' "$title"
	"$@" sh "$work/transcript.sh" --as "$who" "$work" "$part"
	echo '```'
}

group=games
gid=$(getent group $group | cut -d: -f3)
sock=$work/uffd.sock
"$build/uzswap-uffd" --socket="$sock" --group=$group 2>"$work/log" &
broker=$!
device=$(cat /sys/class/misc/userfaultfd/dev)
mknod "$work/device" c "${device%:*}" "${device#*:}" || exit 99
chgrp $group "$work/device" && chmod 660 "$work/device"
cat >"$work/inside" <<'END'
mount --bind "$1" /dev/userfaultfd || exit 99
shift
exec "$@"
END
cat >"$work/beside" <<'END'
"$1/zctl" run --require -- sleep 600 &
echo $! >"$1/root.pid"
shift
exec "$@"
END
user="setpriv --reuid=games --inh-caps=-all --bounding-set=-all"

cat <<END
# A transcript of zctl

Every command on three real programs: a Redis that is loaded and read by a
client which checks each answer, a Java program with a map of records, and a
Python program with JSON texts; the latter two check all they have at the end.
Five times, by five kinds of users.  Made by [transcript.sh](transcript.sh) on
Linux $(uname -r | cut -d- -f1), which fails if a status is
not as it should be or data is wrong.  [tour.md](tour.md) explains the screens.
END
own="unshare -p -f --mount-proc"
# shellcheck disable=SC2086 # words
{
	section root 'As root' session $own
	section group 'As a user in the group of the device' session \
		$own sh "$work/inside" "$work/device" \
		$user --regid=$group --clear-groups
	export UZSWAP_UFFD_SOCKET="$sock"
	section broker 'As a user with the broker alone' session \
		$own $user --regid=nogroup --groups="$gid"
	section container 'In a user namespace with a seccomp filter' session \
		$own $user --regid=nogroup --groups="$gid" \
		"$work/in_container"
	unset UZSWAP_UFFD_SOCKET
	section nothing 'As a user with no permission' nothing \
		$own sh "$work/beside" "$work" \
		$user --regid=nogroup --clear-groups
}
[ -z "$(ls "$work"/*/fault 2>/dev/null)" ]
