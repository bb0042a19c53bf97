#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_preflight.sh - programs that cannot be preloaded are told beforehand:
# they run untouched with a warning, or not at all with --require.

. "$(dirname "$0")/lib.sh"

main='int main(void) { return 3; }'
echo "$main" | compile_c dynamic || broken 'no compiler'

# edit NAME OFFSET BYTES...: a copy of the dynamic program with bytes changed
edit()
{
	cp "$work/dynamic" "$work/$1"
	# shellcheck disable=SC2059
	printf "$3" | dd of="$work/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# refused NAME TEXT [STATUS]: with --require 125, TEXT names the reason; else
# a warning with the same text and the STATUS of the program
refused()
{
	expect 125 "$work/$1: $2" "$zctl" run --require "$work/$1"
	lacks WITHOUT
	[ -n "$3" ] || return
	expect "$3" "running WITHOUT compression: $work/$1: $2" \
		"$zctl" run "$work/$1"
	expect "$3" '' "$zctl" run -q "$work/$1"
}

if echo "$main" | compile_c static -static 2>/dev/null; then
	refused static 'statically linked (no PT_INTERP)' 3
fi
if echo "$main" | compile_c static_pie -static-pie 2>/dev/null; then
	refused static_pie 'statically linked (no PT_INTERP)' 3
fi

# headers of other machines; what the kernel makes of them is its own matter
edit elf32 4 '\001'
refused elf32 '32-bit ELF, only x86-64 is supported'
edit arm 18 '\267\000'
refused arm 'ELF of another machine'

# another C library: by the name of the interpreter
printf 'int main(void) { return 0; }' |
	compile_c musl -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 &&
	refused musl 'interpreter /lib/ld-musl-x86_64.so.1 (musl)'
printf 'int main(void) { return 0; }' |
	compile_c lost -Wl,--dynamic-linker=/no/such/ld.so &&
	expect 127 'interpreter /no/such/ld.so is not there' \
		"$zctl" run "$work/lost"

# cut short and nonsense: zctl neither crashes nor starts it
head -c 40 "$work/dynamic" >"$work/cut"
chmod 755 "$work/cut"
expect 126 'Exec format error' "$zctl" run "$work/cut"
for offset in 32 54 56 64 96; do
	edit nonsense "$offset" '\377\377\377\377\377\377\377\377'
	"$zctl" run --dry-run "$work/nonsense" >"$work/out" 2>&1
	[ $? -lt 128 ] || fault "crash at $offset: $(cat "$work/out")"
done

# scripts: what counts is the interpreter
script()
{
	printf '%s\n' "$2" >"$work/$1"
	chmod 755 "$work/$1"
}
script plain '#!/bin/sh
exit 5'
script spaced '#!   /bin/sh   -e
exit 5'
script outer "#!$work/dynamic"
script missing '#!/no/such/interpreter'
script loop "#!$work/loop"
script bare 'exit 6'
expect 127 'its interpreter /no/such/interpreter' "$zctl" run "$work/missing"
expect 126 '*' "$zctl" run "$work/loop"
if [ -x "$work/static" ]; then
	script on_static "#!$work/static -x"
	expect 125 "$work/static: statically linked" \
		"$zctl" run --require "$work/on_static"
	expect 3 'WITHOUT' "$zctl" run "$work/on_static"
fi

# looking up the program, as a shell does it
cp "$work/plain" "$work/in_path"
cp "$work/plain" "$work/not_exec"
chmod 644 "$work/not_exec"
expect 127 'No such file' env PATH=/usr/bin:/bin \
	"$zctl" run no-such-program-here
expect 127 'No such file' "$zctl" run ''
expect 127 'No such file' "$zctl" run "$work/no/such"
expect 127 'Not a directory' "$zctl" run "$work/plain/x"
expect 126 'Permission denied' "$zctl" run "$work/not_exec"
expect 126 'Permission denied' "$zctl" run "$work"
expect 126 'Permission denied' env PATH="$work" "$zctl" run not_exec
expect 125 'no program given' "$zctl" run

if "$zctl" run --require true 2>/dev/null; then
	expect 3 '' "$zctl" run --require "$work/dynamic"
	expect 5 '' "$zctl" run --require "$work/plain"
	expect 5 '' "$zctl" run --require "$work/spaced"
	expect 3 '' "$zctl" run --require "$work/outer"
	expect 6 '' "$zctl" run --require "$work/bare"
	expect 5 '' env PATH="/no/such::$work:/bin" \
		"$zctl" run --require in_path
fi
finish
