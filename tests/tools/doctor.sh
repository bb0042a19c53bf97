#!/bin/sh
# SPDX-License-Identifier: MIT
#
# doctor.sh - zctl doctor about the machine, about programs that cannot be
# preloaded, and about processes in every state.

. "$(dirname "$0")/lib.sh"
build_fake

if "$zctl" run --require true >"$work/why" 2>&1; then
	has_uffd=yes
else
	has_uffd=
fi

# json_ok: the last output is JSON of the schema, and its levels are known
json_ok()
{
	command -v python3 >/dev/null || return
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
assert j["schema"] == "uzswap.doctor.v1", j
for f in j["findings"]:
    assert f["level"] in ("ok", "note", "warning", "problem"), f
    assert f["name"] and f["text"], f
assert j["works"] == all(f["level"] != "problem" for f in j["findings"])
' "$work/out" || fault "JSON: $(cat "$work/out")"
}

# ----------------------------------------------------------------- machine

"$zctl" doctor >"$work/out" 2>&1
got=$?
case $has_uffd$got in
yes0 | yes3)
	contains 'compression works for'
	if grep -q ' MOVE, ' "$work/out"; then
		contains 'ok    engine                 move'
	else
		contains 'engine                 wp'
	fi ;;
1) contains 'compression does NOT work for' ;;
*) fault "status $got: $(cat "$work/out")" ;;
esac
for word in 'UZSWAP_UFFD_FD ' /dev/userfaultfd uffd.sock 'userfaultfd(2)' \
	'preload library' seccomp memory 'transparent hugepages' kernel glibc
do
	contains "$word"
done
"$zctl" doctor --json >"$work/out" 2>&1
json_ok
expect 1 'UZSWAP_ENABLE' env UZSWAP_ENABLE=0 "$zctl" doctor
contains 'switched off by the environment'
UZSWAP_LIMIT=4G "$zctl" doctor >"$work/out" 2>&1
contains 'is not a variable of uzswap(7)'
UZSWAP_LIMIT_BYTES=4X "$zctl" doctor >"$work/out" 2>&1
contains "'4X' is not a size"
mv "$library" "$library.away"
expect 1 'the library is not there' "$zctl" doctor
mv "$library.away" "$library"
expect 2 'one program' "$zctl" doctor 1 2

# every way that is shut, with its error; as somebody without rights
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
   ! setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all \
	--bounding-set=-all sh -c ': </dev/userfaultfd' 2>/dev/null; then
	expect 1 'does NOT work for nobody' setpriv --reuid=65534 \
		--regid=65534 --clear-groups --inh-caps=-all \
		--bounding-set=-all "$zctl" doctor
	contains 'FAIL  permission'
	contains ' fix: '
	contains 'EPERM (vm.unprivileged_userfaultfd='
fi

# the limit of a group above our own counts
GROUP_LIB=$UZ_SRCDIR/tests/lib
# shellcheck source=../lib/group.sh
. "$GROUP_LIB/group.sh"
if group_probe && group_create above $((300 << 20)); then
	below=$GROUP_DIR/below
	mkdir "$below"
	at_end()
	{
		rmdir "$below"
		group_cleanup
	}
	group_run "$below" "$zctl" doctor >"$work/out" 2>&1
	contains 'cgroup limit 300'
fi

# ---------------------------------------------------------------- programs

printf 'int main(void) { return 0; }' | compile_c plain || broken 'no cc'
"$zctl" doctor "$work/plain" >"$work/out" 2>&1
contains 'can be preloaded'
if printf 'int main(void) { return 0; }' |
   compile_c static -static 2>/dev/null; then
	expect 1 'statically linked' "$zctl" doctor "$work/static"
	contains 'fix: link it dynamically'
fi
printf 'int main(void) { return 0; }' |
	compile_c musl -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1
expect 1 'musl' "$zctl" doctor "$work/musl"
contains 'fix: use a glibc image'
# real ones, where there is a compiler for them
if command -v musl-gcc >/dev/null &&
   printf 'int main(void) { return 0; }' >musl_real.c &&
   musl-gcc -o musl_real musl_real.c 2>/dev/null; then
	expect 1 'ld-musl-' "$zctl" doctor ./musl_real
	contains 'fix: use a glibc image'
fi
if printf 'void _start(void) { for (;;); }' |
   compile_c real32 -m32 -nostdlib -static 2>/dev/null; then
	expect 1 '32-bit ELF' "$zctl" doctor ./real32
fi
cp plain old32
printf '\001' | dd of=old32 bs=1 seek=4 conv=notrunc 2>/dev/null
expect 1 '32-bit ELF' "$zctl" doctor ./old32
expect 1 'No such file' "$zctl" doctor ./nothing
if [ "$(id -u)" = 0 ]; then
	cp plain setgid && chgrp 65534 setgid && chmod 2755 setgid
	expect 1 'is set-group-id' "$zctl" doctor ./setgid
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
	cp plain setuid && chmod 4755 setuid
	# shellcheck disable=SC2086 # a command and its options
	expect 1 'is set-user-id' $nobody "$zctl" doctor "$work/setuid"
	cp plain setcap
	if setcap cap_net_raw+ep setcap 2>/dev/null; then
		# shellcheck disable=SC2086
		expect 1 'has file capabilities' \
			$nobody "$zctl" doctor "$work/setcap"
	fi
fi
# a file called like a number
cp plain 17
"$zctl" doctor ./17 >"$work/out" 2>&1
contains 'can be preloaded'

# --------------------------------------------------------------- processes

fake good
expect 0 'active' "$zctl" doctor "$pid"
contains 'engine '
contains 'mappings '
expect 0 '"level":"ok"' "$zctl" doctor --json "$pid"
json_ok
end_fake
fake degraded
expect 3 'degraded: the limit cannot be met' "$zctl" doctor "$pid"
contains 'could not be kept'
end_fake
fake magic
expect 1 'not a statistics page' "$zctl" doctor "$pid"
end_fake
for mode in garbage ones escapes; do
	fake "$mode"
	"$zctl" doctor "$pid" >"$work/out" 2>&1
	[ $? -le 3 ] || fault "$mode: $(cat "$work/out")"
	bad=$(tr -d '\n\040-\176' <"$work/out" | wc -c)
	[ "$bad" = 0 ] || fault "$mode: $bad control characters"
	end_fake
done

# not under it: never asked to, or ignored by ld.so
sleep 60 &
pid=$!
pids="$pids $pid"
expect 1 'is not loaded' "$zctl" doctor "$pid"
contains "fix: start it by zctl run -- sleep"
end_fake
LD_PRELOAD=/no/such/libuzswap.so.0 sleep 60 2>/dev/null &
pid=$!
pids="$pids $pid"
sleep 0.2
expect 1 'was in LD_PRELOAD, but is not loaded' "$zctl" doctor "$pid"
end_fake
LD_PRELOAD=$library sleep 60 &
pid=$!
pids="$pids $pid"
sleep 0.2
expect 0 'dormant' "$zctl" doctor "$pid"
end_fake
# what it was given, and could not use
esc=$(printf '\033')
LD_PRELOAD=$library UZSWAP_LIMMIT_BYTES=3 UZSWAP_MIN_AGE_MS="a${esc}b" \
	UZSWAP_LIMIT_BYTES=1G UZSWAP_NAME='' \
	UZSWAP_CONF='threads:2,,limt:1G,min_age,pool_max:0%' sleep 60 &
pid=$!
pids="$pids $pid"
sleep 0.2
expect 3 'UZSWAP_LIMMIT_BYTES' "$zctl" doctor "$pid"
contains 'did you mean UZSWAP_LIMIT_BYTES?'
contains "UZSWAP_MIN_AGE_MS      ignored: 'a?b' is not a time"
contains "limt is ignored: unknown option 'limt', did you mean 'limit'?"
contains 'min_age is ignored: it has no value'
contains "pool_max is ignored: '0%' is out of range"
contains '5 warnings'
end_fake
expect 4 'no such process' "$zctl" doctor 2147483646

# mappings left out, and why
compile_c locked <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
	char *p = mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *q = mmap(0, 2 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mmap(0, 3 << 20, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mlock(p, 1 << 20) || madvise(q, 2 << 20, MADV_DONTDUMP))
		return 77;
	puts("ready");
	fflush(stdout);
	pause();
}
END
LD_PRELOAD=$library "$work/locked" >"$work/ready" &
pid=$!
pids="$pids $pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -s "$work/ready" ] && break
	sleep 0.1
done
if [ -s "$work/ready" ]; then
	expect 0 'never compressed' "$zctl" doctor "$pid"
	contains 'locked by mlock 1.0M'
	contains 'shared 3.0M'
	contains 'kept out of core dumps 2.0M'
fi
finish
