#!/bin/sh
# SPDX-License-Identifier: MIT
#
# limited.sh [--mib N] [--percent P] [--seconds T] - what a program reaches in
# P % (default 50) of the memory it needs, against no limit.
#
# Redis (json values, N MiB, default 1024): loading, mixed GET/SET by zipfian
# and by uniform choice, reading all; a sequential scan over N MiB.  Each runs
# first free and then under `zctl run` in a memory cgroup.  Every value read is
# checked.  It reports and judges nothing but right and wrong.
# Environment: ZCTL (default zctl), ZCTL_RUN (more options of `zctl run`).
# Exit 0, 1 wrong data or killed, 77 without zctl or cgroup.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
GROUP_LIB=$here/../tests/lib
real=$here/../tests/real
# shellcheck source=../tests/lib/group.sh
. "$GROUP_LIB/group.sh"

ZCTL=${ZCTL:-zctl}
mib=1024 percent=50 seconds=15 bad=0
while [ $# -ge 2 ]; do
	case $1 in
	--mib) mib=$2 ;;
	--percent) percent=$2 ;;
	--seconds) seconds=$2 ;;
	*) break ;;
	esac
	shift 2
done
if [ $# -gt 0 ]; then
	echo "limited.sh: unknown or incomplete: $1" >&2
	exit 99
fi

command -v "$ZCTL" >/dev/null || { echo "SKIP: no $ZCTL"; exit 77; }
group_probe || { echo "SKIP: $GROUP_WHY"; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/uzbench.XXXXXX") || exit 99
trap 'group_cleanup; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
sh "$real/build.sh" "$tmp" || exit 99
${CC:-cc} -std=gnu11 -O2 -o "$tmp/scan" "$here/scan.c" || exit 99
limit=$((mib * percent / 100))

# redis GROUP DIST PREFIX...
redis()
{
	r_group=$1 r_dist=$2
	shift 2
	/usr/bin/python3 "$real/redis_load.py" --client "$tmp/redis_client" \
		--group "$r_group" --server "$* redis-server" -- \
		--bytes $((mib << 20)) --seconds "$seconds" \
		--dist "$r_dist" >"$tmp/log"
	r_status=$?
	grep -v '^values\|^server alive' "$tmp/log"
	return $r_status
}

# scan GROUP PREFIX...
scan()
{
	s_group=$1
	shift
	sh "$GROUP_LIB/in_group.sh" "$s_group" "$@" "$tmp/scan" "$mib" 3
}

# Runs `$@` in a limited group; its second word stands for the group.
limited()
{
	group_create bench $((limit << 20)) || exit 99
	l_dir=${GROUP_DIR:?}
	what=$1
	shift
	"$what" "$l_dir" "$@" || bad=1
	echo "group max $(($(group_max "$l_dir") >> 20)) MiB of $limit MiB, " \
		"OOM kills $(group_oom_kills "$l_dir")"
	[ "$(group_oom_kills "$l_dir")" = 0 ] || bad=1
	group_remove "$l_dir"
}

for dist in zipf uniform; do
	if ! command -v redis-server >/dev/null; then
		echo "SKIP redis: redis-server is not installed"
		break
	fi
	echo "== redis $mib MiB, $dist, no limit"
	redis - $dist
	echo "== redis $mib MiB, $dist, under zctl in $limit MiB"
	# shellcheck disable=SC2086  # options are words
	limited redis $dist "$ZCTL" run --require $ZCTL_RUN --
done
echo "== scan $mib MiB, no limit"
scan -
echo "== scan $mib MiB, under zctl in $limit MiB"
# shellcheck disable=SC2086
limited scan "$ZCTL" run --require $ZCTL_RUN --
exit $bad
