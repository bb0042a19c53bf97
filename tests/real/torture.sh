#!/bin/sh
# SPDX-License-Identifier: MIT
#
# torture.sh [OPTION]... [WORKLOAD]... - other people's programs, plain and
# under torture with both engines: their results must be the same.
#
#   --size quick    some seconds each (default)
#          full     stress-ng 60 s a stressor, whole test suites, large data
#   --engine E      move or wp only (default: one after the other)
#   --seed N        of the torture (default 1); --loops N: that many seeds
#   --limit SIZE    of memory, instead of torture
#   --timeout N     seconds that one run may take
#   --slower N      a tortured run may take a minute, and N times the plain one
#   --keep DIR      where the folders of runs that differ are kept
#   --build DIR     the built tree, with zctl (default: build)
#
# Workloads: git gcc make sqlite cpython redis redistests node java postgres,
# and one for each stressor of stress-ng: vm mmap ... (see STRESSORS).  What is
# not installed is skipped.
#
# A program under test writes its result - what must be the same - to
# "result" in its folder; and its exit status counts.  One line per run:
# "same NAME ENGINE SEED", "DIFF ..." with the log, "CUT ..." if its time was
# over before its end, or "SKIP ...".  The last line is "N tests run, N same as
# plain, N different, N cut off".  Exit status: 0 all were the same, 1 some
# not, 77 nothing could run.

# shellcheck disable=SC2016,SC2116,SC2046,SC2086,SC2094,SC2129  # words, and quotes
here=$(cd "$(dirname "$0")" && pwd) || exit 99
top=${UZ_SRCDIR:-$here/../..}
build=${UZ_BUILDDIR:-$top/build}
size=quick engines='move wp' seed=1 loops=1 keep='' limit='' bound=''
slower='' run=0 same=0 different=0 cut=0

STRESSORS='vm mmap mremap madvise malloc fork vfork clone brk stack mlock
memthrash userfaultfd bigheap mmapfork mmapmany mprotect msync munmap pthread
shm sigsegv stackmmap vm-splice vm-rw vm-addr zero aio io-uring switch futex
sigfd sigaltstack'

while [ $# -gt 0 ]; do
	case $1 in
	--size) size=$2 ;;
	--engine) engines=$2 ;;
	--seed) seed=$2 ;;
	--loops) loops=$2 ;;
	--limit) limit=$2 ;;
	--timeout) bound=$2 ;;
	--slower) slower=$2 ;;
	--keep) keep=$2 ;;
	--build) build=$2 ;;
	--*) echo "torture.sh: unknown option $1" >&2; exit 99 ;;
	*) break ;;
	esac
	shift 2
done
build=$(cd "$build" && pwd) || exit 99
zctl=$build/zctl
[ -x "$zctl" ] || { echo "SKIP: no zctl in $build"; exit 77; }
"$zctl" run --require -- true >/dev/null 2>&1 ||
	{ echo 'SKIP: no userfaultfd here'; exit 77; }
work=$(mktemp -d) || exit 99
chmod 755 "$work"
exits=$work/exits
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

full() { [ "$size" = full ]; }
pick() { if full; then echo "$2"; else echo "$1"; fi; }
SECONDS_EACH=$(pick 3 60)
TIMEOUT=${bound:-$(pick 180 3600)}

# --------------------------------------------------------------- workloads
# W_needs: the command it needs; W_run: in an empty folder, under "$@"; it
# leaves a file named result.

stress_needs() { echo stress-ng; }
stress_run() # STRESSOR PREFIX...
{
	stressor=$1
	shift
	extra=
	case $stressor in
	vm) extra='--vm-method all --vm-bytes 64M' ;;
	mmap | mremap) extra="--$stressor-bytes 64M" ;;
	esac
	# shellcheck disable=SC2086  # options are words
	"$@" stress-ng --"$stressor" 2 --timeout "$SECONDS_EACH" --verify \
		--temp-path . $extra >log 2>&1
	status=$?
	# 3 and 4: not possible here, as in the plain run
	grep -ciE ' fail: |error: ' log >result
	return $status
}

git_needs() { echo git; }
git_run()
{
	n=$(pick 150 3000)
	{
		git init -q one && cd one || return 1
		git config user.name t && git config user.email t@example.com
		git config gc.auto 0 && git config commit.gpgsign false
		i=0
		while [ $i -lt "$n" ]; do
			seq $i $((i + 400)) >"file$i"
			i=$((i + 1))
		done
		export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z'
		export GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
		"$@" git add . && "$@" git commit -qm one &&
			"$@" git gc -q && "$@" git fsck --full &&
			cd .. && "$@" git clone -q one two && cd two &&
			"$@" git fsck --full && "$@" git log --stat |
			md5sum >../result
	} >log 2>&1
}

gcc_needs() { echo gcc; }
gcc_run()
{
	if full; then
		ls "$top"/src/*/*.c
	else
		ls "$top"/src/space/*.c
	fi >files
	"$@" xargs -n 1 -P 2 sh -c 'gcc -O2 -std=gnu11 -I"$0/src" \
		-I"$0/include" -DPACKAGE_VERSION=\"0\" -c "$1" \
		-o "$(basename "$1").o"' "$top" <files >log 2>&1 || return
	md5sum ./*.o >result
}

# Somebody else's C, a tree to be built by make, named by TORTURE_SOURCE.
make_needs() { echo make; }
make_run()
{
	[ -f "$TORTURE_SOURCE/Makefile" ] ||
		{ echo 'TORTURE_SOURCE names no tree' >log; return 1; }
	cp -r "$TORTURE_SOURCE" tree
	"$@" make -C tree -j2 >log 2>&1 || return
	find tree -name '*.o' | sort | xargs md5sum >result
}

sqlite_needs() { echo sqlite3; }
sqlite_run()
{
	"$@" sqlite3 :memory: >result 2>log <<-END
	PRAGMA cache_size=-100000;
	CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INT);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
		WHERE i < $(pick 15000 1000000))
	INSERT INTO t SELECT i, printf('%032d', i * 7919 % 100003), i % 997
		FROM n;
	CREATE INDEX u ON t(b);
	CREATE INDEX v ON t(c, a);
	UPDATE t SET b = b || a WHERE c % 7 = 3;
	DELETE FROM t WHERE c % 11 = 5;
	SELECT count(*), sum(a), min(b), max(b), sum(length(b)) FROM t;
	SELECT c, count(*) FROM t GROUP BY c ORDER BY 2 DESC, 1 LIMIT 20;
	SELECT sum(x.a) FROM t x JOIN t y ON x.b = y.b;
	PRAGMA integrity_check;
	END
}

# Debian's package with the tests is libpython3-testsuite.
PYTHON=$(for p in /usr/bin/python3 "$(command -v pyenv >/dev/null 2>&1 &&
	pyenv which python3 2>/dev/null)" python3; do
	[ -n "$p" ] && "$p" -c 'import test.test_gc' 2>/dev/null &&
		{ echo "$p"; break; }
done)
cpython_needs() { echo "${PYTHON:-python3-with-its-tests}"; }
cpython_run()
{
	"$@" "$PYTHON" -m test -q --junit-xml "$PWD/cases.xml" \
		${TORTURE_PYTHON:-$(pick test_fork1 'test_mmap test_fork1
		test_threading test_multiprocessing_fork test_subprocess
		test_gc')} >log 2>&1
	status=$?
	# a line for each case, with how it ended
	"$PYTHON" - cases.xml >result <<-END
	import sys, xml.etree.ElementTree as tree
	for case in sorted(tree.parse(sys.argv[1]).iter('testcase'),
	                   key=lambda c: c.get('name')):
	    ends = [e.tag for e in case if not e.tag.startswith('system')]
	    print(case.get('name'), case.get('result'), *ends)
	END
	return $status
}

redis_needs() { echo redis-server; }
redis_run()
{
	port=$((20000 + $$ % 20000))
	"$@" redis-server --port $port --bind 127.0.0.1 --save '' \
		--enable-debug-command local \
		--daemonize no --dir "$PWD" >log 2>&1 &
	server=$!
	cli="redis-cli -p $port"
	i=0
	until [ "$($cli ping 2>/dev/null)" = PONG ]; do
		i=$((i + 1))
		[ $i -lt 300 ] || return 1
		sleep 0.1
	done
	{
		$cli debug populate "$(pick 20000 400000)" key 300
		$cli bgrewriteaof
		$cli bgsave
		i=0
		while [ $i -lt 600 ] &&
			! $cli info persistence |
			grep -q 'rdb_bgsave_in_progress:0'; do
			i=$((i + 1))
			sleep 0.1
		done
	} >>log 2>&1
	{
		$cli info persistence | grep rdb_last_bgsave_status
		$cli dbsize
		$cli debug digest
		$cli debug reload
		$cli debug digest
	} >result 2>>log
	$cli shutdown nosave >>log 2>&1
	wait $server
}

# Redis's own tests, from the folder TORTURE_REDIS: Debian's source package,
# unpacked.  Debian's binaries take them; only those are tortured.
redistests_needs() { echo redis-server; }
redistests_run()
{
	[ -d "$TORTURE_REDIS/tests" ] ||
		{ echo 'TORTURE_REDIS names no source of Redis' >log; return 1; }
	mkdir src && cp -r "$TORTURE_REDIS/tests" "$TORTURE_REDIS/runtest" . ||
		return
	for p in server cli benchmark check-aof check-rdb; do
		printf '#!/bin/sh\nLD_PRELOAD=$TORTURED exec %s "$@"\n' \
			"$(command -v redis-$p)" >src/redis-$p
		chmod 755 src/redis-$p
	done
	"$@" sh -c 'export TORTURED="$LD_PRELOAD"; unset LD_PRELOAD
		exec ./runtest --durable --dont-clean "$@"' sh \
		--clients 2 --baseport ${TORTURE_PORT:-$((20000 + $$ % 6000))} \
		--portcount 1000 $(for u in \
		${TORTURE_UNITS:-$(pick unit/type/list 'unit/aofrw unit/dump
		unit/other unit/type/list-3 integration/rdb integration/aof')}
		do echo --single $u; done) >log 2>&1
	status=$?
	# some fail in Debian's build, too: what counts is that all were made;
	# some draw which server, or how often, or go on for a fixed time
	sed -nE 's/\x1b\[[0-9;]*m//g; s/ \([0-9]+ ms\)$//
		s/#[0-9]+/#N/g; s/\(x = [0-9]+\)/(x = N)/
		s/CYCLE [0-9]+/CYCLE N/
		/^\[(ok|err|skip|ignore|exception)\]: /p' log | sort -u >result
	[ $status != 124 ] || return $status
	grep -q 'The End' log
}

node_needs() { echo node; }
node_run()
{
	"$@" node -e "
	const m = new Map();
	let h = 0;
	for (let r = 0; r < $(pick 4 40); r++) {
		for (let i = 0; i < 40000; i++)
			m.set('k' + (i * 7 + r) % 60000, { i, s: 'x'.repeat(i % 60), a: [i, r] });
		for (const [k, v] of m)
			h = (h * 31 + k.length + v.i + v.s.length + v.a[1]) >>> 0;
	}
	console.log(m.size, h);" >result 2>log
}

java_needs() { echo java; }
java_run()
{
	cat >Heap.java <<-END
	import java.util.*;
	public class Heap {
		public static void main(String[] a) {
			Map<Integer, byte[]> m = new HashMap<>();
			long h = 0;
			for (int r = 0; r < $(pick 3 40); r++) {
				for (int i = 0; i < 20000; i++) {
					byte[] b = new byte[64 + i % 900];
					Arrays.fill(b, (byte) (i + r));
					m.put((i * 7 + r) % 30000, b);
				}
				System.gc();
				for (Map.Entry<Integer, byte[]> e : m.entrySet())
					h = h * 31 + e.getKey() + Arrays.hashCode(e.getValue());
			}
			System.out.println(m.size() + " " + h);
		}
	}
	END
	"$@" java -Xmx128m Heap.java >result 2>log
}

postgres_needs() { echo initdb; }
postgres_run()
{
	[ "$(id -u)" = 0 ] || { echo 'needs root' >log; return 1; }
	mkdir db && chown nobody . db
	as="setpriv --reuid nobody --regid nogroup --clear-groups"
	bin=$(dirname "$(readlink -f "$(command -v initdb)")")
	PATH=$bin:$PATH
	{
		"$@" $as initdb -D db -A trust --no-sync &&
			"$@" $as pg_ctl -D db -w -l server.log -o \
			"-c listen_addresses= -k $PWD -c fsync=off" start &&
			pgbench -h "$PWD" -U nobody -i -s "$(pick 1 20)" \
			postgres && pgbench -h "$PWD" -U nobody -S -c 4 \
			-t "$(pick 200 5000)" postgres &&
			pg_dump -h "$PWD" -U nobody -t 'pgbench_*' postgres |
			grep -vE '^(--|.(un)?restrict )' | md5sum >result
		status=$?
		$as pg_ctl -D db -m fast -w stop
	} >log 2>&1
	return $status
}

# ------------------------------------------------------------------- runs

of()
{
	case " $(echo $STRESSORS) " in
	*" $1 "*) echo stress ;;
	*) echo "$1" ;;
	esac
}

# In a folder of its own, with a bound in time; the status.
go() # NAME FOLDER PREFIX...
{
	name=$1 folder=$work/$2
	shift 2
	rm -rf "$folder"
	mkdir "$folder"
	kind=$(of "$name")
	(
		cd "$folder" || exit 99
		[ "$kind" != stress ] || set -- "$name" "$@"
		"${kind}_run" "$@"
	)
	echo "status $?" >>"$folder/result"
}

# What the tortured processes said at their ends, and how many results agree.
# Those that were killed or executed another program say nothing.
told()
{
	awk '/ pages evicted/ { n++; if (/books close/) closed++
			sub(/.*pool; /, ""); pages += $1 }
		END { printf "%d pages left, %d of %d processes ended " \
			"with their books closed", pages, closed, n }' "$exits"
	echo ", $(($(wc -l <"$work/plain/result") - 1)) lines of results"
}

# The stressors, workloads of the issue's list by default.
[ $# != 0 ] || set -- git gcc sqlite cpython redis node java postgres \
	$(pick 'vm mremap madvise fork brk mlock' "$(echo $STRESSORS)")
for name; do
	kind=$(of "$name")
	needs=$("${kind}_needs")
	if ! command -v "$needs" >/dev/null; then
		echo "SKIP $name: no $needs"
		continue
	fi
	start=$(date +%s)
	go "$name" plain timeout -k 10 "$TIMEOUT"
	took=$(($(date +%s) - start))
	if [ "$(tail -n 1 "$work/plain/result")" != 'status 0' ]; then
		echo "SKIP $name: fails without the library, too"
		tail -n 5 "$work/plain/log"
		continue
	fi
	plain_took=$took
	patience=${slower:+$((60 + slower * took))}
	for engine in $engines; do
		i=0
		while [ $i -lt "$loops" ]; do
			s=$((seed + i))
			i=$((i + 1))
			start=$(date +%s)
			: >"$exits"
			chmod 666 "$exits"
			go "$name" tortured env UZSWAP_STATS_AT_EXIT="$exits" \
				timeout -k 10 "${patience:-$TIMEOUT}" "$zctl" run \
				--set engine="$engine" \
				${limit:+--limit "$limit" --set min_managed=1M} \
				$([ -n "$limit" ] || echo --torture=$s) --
			took=$(($(date +%s) - start))
			run=$((run + 1))
			if cmp -s "$work/plain/result" "$work/tortured/result"; then
				same=$((same + 1))
				echo "same $name $engine seed $s, $took s" \
					"(plain $plain_took s); $(told)"
			elif [ "$(tail -n 1 "$work/tortured/result")" = \
					'status 124' ]; then
				cut=$((cut + 1))
				echo "CUT $name $engine seed $s, $took s" \
					"(plain $plain_took s); $(told)"
			else
				different=$((different + 1))
				echo "DIFF $name $engine seed $s, $took s" \
					"(plain $plain_took s)"
				diff "$work/plain/result" \
					"$work/tortured/result" | head -n 10
				tail -n 20 "$work/tortured/log"
				[ -z "$keep" ] || cp -r "$work/tortured" \
					"$keep/$name-$engine-$s"
			fi
		done
	done
done
echo "$run tests run, $same same as plain, $different different, $cut cut off"
[ $run != 0 ] || exit 77
[ $same = $run ]
