#!/bin/sh
# SPDX-License-Identifier: MIT
#
# completion.sh - completion of bash, zsh and fish knows the commands and
# options that zctl itself knows; and the other files that are installed are
# what their readers understand.

. "$(dirname "$0")/lib.sh"
build_fake
fake good
export PATH="$work:$PATH"
where=$UZ_SRCDIR/completion

# bash_completes WORDS... : the last one is being typed; prints the replies
bash_completes()
{
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_zctl 2>/dev/null; printf "%s\n" "${COMPREPLY[@]}"' \
		x "$where/zctl" "$@" >"$work/out" 2>&1
}

if command -v bash >/dev/null; then
	bash_completes zctl st
	[ "$(cat "$work/out")" = stats ] || fault "st: $(cat "$work/out")"
	bash_completes zctl ''
	for command in $("$zctl" help |
		sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		grep -qx "$command" "$work/out" || fault "no $command"
	done
	bash_completes zctl run --req
	[ "$(cat "$work/out")" = --require ] || fault "--req: $(cat "$work/out")"
	bash_completes zctl run --lim
	[ "$(cat "$work/out")" = --limit= ] || fault "--lim: $(cat "$work/out")"
	bash_completes zctl list --sort = SAV
	[ "$(cat "$work/out")" = SAVED ] || fault "SAV: $(cat "$work/out")"
	bash_completes zctl list -o FAULT
	[ "$(cat "$work/out")" = FAULT/s ] || fault "FAULT: $(cat "$work/out")"
	bash_completes zctl --print pre
	[ "$(cat "$work/out")" = preload ] || fault "pre: $(cat "$work/out")"
	bash_completes zctl run --set min
	grep -qx 'min_managed=' "$work/out" || fault "min: $(cat "$work/out")"
	bash_completes zctl run --follow = n
	[ "$(cat "$work/out")" = none ] || fault "n: $(cat "$work/out")"
	bash_completes zctl stats ''
	grep -qx "$pid" "$work/out" || fault "no $pid: $(cat "$work/out")"
	bash_completes zctl stats -n "${label%?}"
	grep -qx "$label" "$work/out" || fault "no name: $(cat "$work/out")"
	bash_completes zctl top -n "${label%?}"
	[ -z "$(cat "$work/out")" ] || fault "a number: $(cat "$work/out")"
fi
if command -v zsh >/dev/null; then
	zsh -n "$where/_zctl" 2>"$work/out" || fault "zsh: $(cat "$work/out")"
	head -n 1 "$where/_zctl" | grep -qx '#compdef zctl' || fault 'compdef'
fi
if command -v fish >/dev/null; then
	HOME=$work fish --no-config -c "source $where/zctl.fish
		complete -C 'zctl st'" >"$work/out" 2>&1
	grep -q '^stats' "$work/out" || fault "fish: $(cat "$work/out")"
	HOME=$work fish --no-config -c "source $where/zctl.fish
		complete -C 'zctl run --req'" >"$work/out" 2>&1
	grep -q '^--require' "$work/out" || fault "fish: $(cat "$work/out")"
	HOME=$work fish --no-config -c "source $where/zctl.fish
		complete -C 'zctl stats '" >"$work/out" 2>&1
	grep -q "^$pid" "$work/out" || fault "fish: $(cat "$work/out")"
fi

# the rest of what is installed
expect 0 limit "$zctl" --print=options
expect 0 '' "$zctl" run -q --config="$UZ_SRCDIR/examples/uzswap.conf" true
if command -v python3 >/dev/null; then
	python3 - "$UZ_SRCDIR/examples/grafana.json" >"$work/asked" <<'END' ||
import json, re, sys
board = json.load(open(sys.argv[1]))
for panel in board["panels"]:
    for target in panel["targets"]:
        for name in re.findall(r"uzswap_\w+", target["expr"]):
            print(name)
END
		fault 'grafana.json'
	grep -oE 'uzswap_[a-z_]+' "$UZ_SRCDIR/examples/prometheus/alerts.yml" \
		>>"$work/asked"
	"$zctl" metrics >"$work/metrics"
	sort -u "$work/asked" | while read -r name; do
		grep -q -e "^${name} " -e "^${name}{" "$work/metrics" || echo "$name"
	done >"$work/out"
	[ ! -s "$work/out" ] || fault "no such metric: $(cat "$work/out")"
fi
if command -v systemd-analyze >/dev/null; then
	mkdir units
	cp "$UZ_SRCDIR"/dist/*.socket units
	for unit in uzswap-uffd uzswap-metrics; do
		sed "s|@[a-z]*@/[a-z-]*|$zctl|" \
			"$UZ_SRCDIR/dist/$unit.service.in" >"units/$unit.service"
		systemd-analyze verify "./units/$unit.socket" \
			"./units/$unit.service" >"$work/out" 2>&1
		grep -E "uzswap.*(Unknown|Failed to parse|Invalid)" \
			"$work/out" && fault "$unit: $(cat "$work/out")"
	done
fi
if command -v udevadm >/dev/null && udevadm verify --help >/dev/null 2>&1; then
	udevadm verify "$UZ_SRCDIR/dist/60-uzswap.rules" >"$work/out" 2>&1 ||
		fault "rules: $(cat "$work/out")"
fi
finish
