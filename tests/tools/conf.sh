#!/bin/sh
# SPDX-License-Identifier: MIT
#
# conf.sh - configuration files: which apply, what wins, and what is said of
# lines that cannot be understood.

. "$(dirname "$0")/lib.sh"

"$zctl" run --require true >"$work/why" 2>&1 ||
	skip "$(head -n 1 "$work/why")"

# the user's own directory; those of the machine should be empty here
export XDG_CONFIG_HOME="$work/config"
mkdir -p "$work/config/uzswap/uzswap.conf.d"
conf=$work/config/uzswap/uzswap.conf
parts=$work/config/uzswap/uzswap.conf.d
show='env | grep ^UZSWAP_ | grep -v _FD= | sort'

cat >"$conf" <<'END'
# a comment
[defaults]
min_managed = 32M
limit = 2G            ; with a comment
accept-percent = 70

[match shells]
exe = */bin/sh, dash bash
limit = 25%
name = a shell

[match never]
exe = sleep
enable = no
END
expect 0 'UZSWAP_LIMIT_BYTES=25%' "$zctl" run sh -c "$show"
contains 'UZSWAP_MIN_MANAGED_BYTES=33554432'
contains 'UZSWAP_ACCEPT_PERCENT=70'
contains 'UZSWAP_NAME=a shell'
lacks UZSWAP_ENABLE
expect 0 'UZSWAP_LIMIT_BYTES=2147483648' "$zctl" run env
lacks UZSWAP_NAME

# the interpreter of a script counts too
printf '#!/bin/sh\nenv\n' >"$work/script"
chmod 755 "$work/script"
expect 0 'UZSWAP_LIMIT_BYTES=25%' "$zctl" run "$work/script"

# command line, environment, UZSWAP_CONF: all win over files
expect 0 'UZSWAP_LIMIT_BYTES=1073741824' "$zctl" run -m 1G sh -c "$show"
contains 'UZSWAP_MIN_MANAGED_BYTES=33554432'
expect 0 'UZSWAP_LIMIT_BYTES=3G' env UZSWAP_LIMIT_BYTES=3G \
	"$zctl" run sh -c "$show"
expect 0 'UZSWAP_CONF=limit:3G' env UZSWAP_CONF=limit:3G \
	"$zctl" run sh -c "$show"
lacks UZSWAP_LIMIT_BYTES
expect 125 'switched off by configuration' "$zctl" run --require sleep 0
expect 0 '' "$zctl" run sleep 0

# parts come after, by name; other names are not read
printf '[defaults]\nlimit=4G\n' >"$parts/10-first.conf"
printf '[defaults]\nlimit=5G\n' >"$parts/20-second.conf"
printf '[defaults]\nlimit=6G\n' >"$parts/30-third.conf.bak"
printf '[defaults]\nlimit=7G\n' >"$parts/.hidden.conf"
expect 0 'UZSWAP_LIMIT_BYTES=5368709120' "$zctl" run sh -c "$show"

# one file alone
printf '[defaults]\nlimit=8G\n' >"$work/one.conf"
expect 0 'UZSWAP_LIMIT_BYTES=8589934592' \
	"$zctl" run --config="$work/one.conf" sh -c "$show"
lacks UZSWAP_MIN_MANAGED_BYTES
expect 125 'No such file' "$zctl" run --config="$work/nothing" true
rm -r "$parts"

# wrong COMPLAINT TEXT...: a file with these lines; the program runs
wrong()
{
	complaint=$1
	shift
	printf '%s\n' "$@" >"$conf"
	expect 3 "zctl: $conf:$complaint" "$zctl" run sh -c 'exit 3'
	[ "$(wc -l <"$work/out")" = 1 ] || fault "more: $(cat "$work/out")"
	expect 3 '' "$zctl" run -q sh -c 'exit 3'
}
wrong "2: unknown option 'limt', did you mean 'limit'?" '[defaults]' 'limt=4G'
wrong "2: '4X' is not a size" '[defaults]' 'limit=4X'
wrong '1: a line before the first section' 'limit=4G' '[defaults]'
wrong '2: unknown section [default]' '[default]' 'limit=4G'
wrong '2: [match x] must begin with exe' '[match x]' 'limit=4G' 'exe=x'
wrong '2: exe is for sections' '[defaults]' 'exe=x'
wrong '3: ' '[defaults]' 'limit=4G' 'what is this'
wrong '1: neither' '[defaults' 'limit 4G'
wrong '2: uffd_fd is set by zctl' '[defaults]' 'uffd_fd=7'
# what is right in such a file is used
printf '[defaults]\nlimit=4X\nmin_managed=8M\n' >"$conf"
expect 0 'UZSWAP_MIN_MANAGED_BYTES=8388608' "$zctl" run -q sh -c "$show"

# unreadable, a directory, endless lines, bytes of all kinds
chmod 0 "$conf"
if [ "$(id -u)" != 0 ]; then
	expect 0 'Permission denied' "$zctl" run true
fi
rm -f "$conf"
mkdir "$conf"
"$zctl" run true >"$work/out" 2>&1 || fault "directory: $(cat "$work/out")"
rmdir "$conf"
head -c 100000 /dev/zero | tr '\0' x >"$conf"
expect 0 "$conf:1" "$zctl" run true
head -c 100000 /dev/urandom >"$conf"
"$zctl" run true >"$work/out" 2>&1 || fault "noise: $(cat "$work/out")"
[ "$(grep -c '^zctl: ' "$work/out")" = "$(wc -l <"$work/out")" ] ||
	fault "noise: $(cat "$work/out")"
finish
