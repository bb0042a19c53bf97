#!/bin/sh
# SPDX-License-Identifier: MIT
#
# profile.sh [redis|postgres|node|python]... - profiles of real programs: the
# sites that own most cold memory, by name.  Each that is installed is run
# under `zctl profile run` with some work; prints its table, and fails if the
# function that allocates is not named.
#
# Environment: ZCTL (default zctl).  Exit 0, 1, 77 if none is installed,
# 99 without zctl.

PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
zctl=${ZCTL:-zctl}
command -v "$zctl" >/dev/null || { echo "no $zctl: set ZCTL" >&2; exit 99; }
[ $# -gt 0 ] || set -- redis postgres node python
work=$(mktemp -d) || exit 99
chmod 755 "$work"
trap 'cd / && rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work" || exit 99
failed=0
ran=0

# profile NAME FUNCTION OPTION... -- PROGRAM...: FUNCTION is to be in the table
profile()
{
	name=$1
	function=$2
	shift 2
	echo "== $name"
	"$zctl" profile run --cold 3s --top 6 -o "$name.prof" "$@" \
		>"$name.txt" 2>"$name.err" </dev/null
	cat "$name.txt"
	ran=$((ran + 1))
	"$zctl" profile --format folded --cold 0s "$name.prof" >"$name.folded"
	grep -qE -e "$function" "$name.folded" && return
	echo "$name: no $function; $(tail -n 3 "$name.err")"
	failed=$((failed + 1))
}

real_redis()
{
	command -v redis-server >/dev/null || return
	(
		for _ in $(seq 300); do
			redis-cli -s "$work/redis" ping && break
			sleep 0.1
		done
		redis-cli -s "$work/redis" debug populate 300000 key 200
		sleep 8
		redis-cli -s "$work/redis" shutdown nosave
	) >/dev/null 2>&1 &
	profile redis dbAdd -- redis-server --port 0 \
		--enable-debug-command yes --unixsocket "$work/redis" \
		--save '' --logfile /dev/null
}

# A backend in single-user mode: a big sort, and then nothing for a while.
real_postgres()
{
	command -v initdb >/dev/null || return
	mkdir data && chown postgres data || return
	su postgres -c "PATH=$PATH initdb -D $work/data" >/dev/null || return
	cat >query.sql <<-'END'
	SET work_mem = '512MB';
	SELECT pg_sleep(7), count(*) FROM (SELECT md5(i::text) AS t FROM generate_series(1, 900000) AS i ORDER BY t OFFSET 1) AS s;
	END
	cat >backend <<-END
	#!/bin/sh
	exec postgres --single -D $work/data postgres <$work/query.sql
	END
	chmod 755 backend
	chown -R postgres .
	cat >as_postgres <<-END
	#!/bin/sh
	exec setpriv --reuid=postgres --regid=postgres --clear-groups $work/backend
	END
	chmod 755 as_postgres
	profile postgres 'tuplesort|minimal_tuple' -- ./as_postgres
}

real_node()
{
	command -v node >/dev/null || return
	cat >heap.js <<-'END'
	const kept = [];
	function keepOrders(n) {
		for (let i = 0; i < n; i++)
			kept.push({ id: i, name: 'order ' + i, lines: [i, i + 1] });
	}
	function keepImages(n) {
		for (let i = 0; i < n; i++)
			kept.push(Buffer.alloc(1 << 20, i & 255));
	}
	keepOrders(300000);
	keepImages(64);
	const end = Date.now() + 9000;
	(function work() {
		if (Date.now() < end) setTimeout(work, 50);
	})();
	END
	profile node 'keepImages|keepOrders|Heap|node::' -- \
		node --perf-basic-prof --interpreted-frames-native-stack heap.js
}

real_python()
{
	command -v /usr/bin/python3 >/dev/null || return
	cat >heap.py <<-'END'
	import time
	try:
	    import numpy
	    array = numpy.random.default_rng(1).random(12_000_000)
	    print(array.sum())
	except ImportError:
	    array = bytearray(96_000_000)
	rows = [{'id': i, 'name': 'customer %d' % i} for i in range(300000)]
	time.sleep(8)
	END
	profile python 'Py|array' -- /usr/bin/python3 heap.py
}

for program in "$@"; do
	real_"$program"
done
[ $ran -gt 0 ] || { echo 'SKIP: none of them is installed'; exit 77; }
[ $failed = 0 ]
