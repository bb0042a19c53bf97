#!/bin/sh
# SPDX-License-Identifier: MIT
#
# metrics.sh - zctl metrics on stdout, into a file, by HTTP on loopback and on
# a socket file, as promtool and a real Prometheus read it.

. "$(dirname "$0")/lib.sh"
build_fake
prometheus=

at_end()
{
	[ -z "$prometheus" ] || kill "$prometheus" 2>/dev/null
}

# has LINE: as a whole, in the last output
has()
{
	grep -qxF -e "$1" "$work/out" || fault "no line '$1' in: $(cat "$work/out")"
}

# lint WHAT: promtool finds nothing to complain about
lint()
{
	command -v promtool >/dev/null || return
	promtool check metrics <"$work/out" >"$work/lint" 2>&1 &&
		[ ! -s "$work/lint" ] || fault "promtool, $1: $(cat "$work/lint")"
}

fake good
labels="name=\"$label\",pid=\"$pid\""
expect 0 '*' "$zctl" metrics "$pid"
has '# TYPE uzswap_stored_bytes gauge'
has "uzswap_stored_bytes{$labels} 629145600"
has "uzswap_saved_bytes{$labels} 419430400"
has "uzswap_up{$labels,state=\"active\"} 1"
has '# TYPE uzswap_evicted_total counter'
has "uzswap_evicted_total{$labels} 200000"
has "uzswap_fault_seconds_bucket{$labels,le=\"+Inf\"} 1000"
has "uzswap_fault_seconds_count{$labels} 1000"
lacks '# EOF'
lint text
# every counter of the page is there, one way or another
"$zctl" stats --counters --raw --noheadings "$pid" | cut -d' ' -f1 |
while read -r counter; do
	case $counter in
	faults* | *_ns) ;;
	*) grep -q "^uzswap_${counter}_total{" "$work/out" ||
		echo "$counter" ;;
	esac
done >"$work/missing"
[ ! -s "$work/missing" ] || fault "no metric for: $(cat "$work/missing")"

# several of one name
first=$pid
fake degraded
expect 0 '*' "$zctl" metrics --by=name -n "$label"
has "uzswap_stored_bytes{name=\"$label\"} 1258291200"
has "uzswap_evicted_total{name=\"$label\"} 400000"
lacks pid=
lint 'by name'
[ "$(grep -c '^# TYPE uzswap_stored_bytes' "$work/out")" = 1 ] ||
	fault 'a metric is announced twice'
expect 0 '*' "$zctl" metrics -n "$label"
lint 'several'
end_fake

# OpenMetrics
expect 0 '# TYPE uzswap_evicted counter' "$zctl" metrics --openmetrics "$first"
has '# UNIT uzswap_stored_bytes bytes'
has '# TYPE uzswap_build info'
[ "$(tail -n 1 "$work/out")" = '# EOF' ] || fault 'no # EOF'
if python3 -c 'import prometheus_client' 2>/dev/null; then
	python3 -c 'import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as p
list(p(open(sys.argv[1]).read()))' "$work/out" || fault 'python parser'
fi

# into a file: replaced as a whole, nothing left beside it
echo old >"$work/uz.prom"
mkdir "$work/dir"
expect 0 '' "$zctl" metrics -o "$work/uz.prom" "$first"
grep -q "^uzswap_up{name=\"$label\"" "$work/uz.prom" || fault 'file: not written'
[ "$(stat -c %a "$work/uz.prom")" = 644 ] || fault 'file: not for all to read'
[ "$(find "$work" -name 'uz.prom*' | wc -l)" = 1 ] || fault 'file: leavings'
expect 1 'No such file' "$zctl" metrics -o "$work/no/such/dir" "$first"
expect 1 '*' "$zctl" metrics -o "$work/dir" "$first"
expect 4 'no such process' "$zctl" metrics -o "$work/uz.prom" 2147483646
grep -q '^uzswap_up' "$work/uz.prom" || fault 'file: lost by a failure'

# bad usage
expect 2 '--by=uid' "$zctl" metrics --by=uid
expect 2 'either' "$zctl" metrics -o x --listen
expect 1 'not HOST:PORT' "$zctl" metrics --listen=nonsense
expect 1 'not HOST:PORT' "$zctl" metrics --listen=::1:9
expect 1 'not a path' "$zctl" metrics --listen=unix:

# hostile pages do not get into the lines
for mode in escapes garbage ones; do
	fake "$mode"
	expect 0 '*' "$zctl" metrics "$pid"
	bad=$(tr -d '\n\040-\176' <"$work/out" | wc -c)
	[ "$bad" = 0 ] || fault "$mode: $bad control characters"
	lint "$mode"
	end_fake
done
pid=$first

# -------------------------------------------------------------------- by HTTP

command -v curl >/dev/null || { echo 'no curl: HTTP not tested'; finish; }

# serve ADDRESS: in the background: $server
serve()
{
	"$zctl" metrics --listen="$1" -n "$label" >"$work/serve" 2>&1 &
	server=$!
	pids="$pids $server"
}

# soon COMMAND...: until it succeeds
soon()
{
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do
		"$@" >"$work/out" 2>&1 && return
		sleep 0.3
	done
	fault "$*: $(cat "$work/out" "$work/serve")"
}

get() { curl -sf -i --noproxy '*' --unix-socket "$work/sock" "$@"; }
serve "unix:$work/sock"
soon get http://x/metrics
contains 'Content-Type: text/plain; version=0.0.4'
contains "uzswap_stored_bytes{$labels} 629145600"
soon get -H 'Accept: application/openmetrics-text; version=1.0.0' \
	http://x/metrics
contains 'Content-Type: application/openmetrics-text'
contains '# EOF'
soon get --head http://x/metrics
soon get http://x/
contains /metrics
expect 22 '404' get http://x/etc/passwd
expect 22 '405' get -X POST -d x http://x/metrics
expect 1 'Address already in use' "$zctl" metrics --listen="unix:$work/sock"
kill "$server"
wait "$server" || fault "server ended with $?: $(cat "$work/serve")"
[ ! -e "$work/sock" ] || fault 'the socket file is left'
# one that was killed leaves its file, and the next takes the place
serve "unix:$work/sock"
soon get http://x/metrics
kill -9 "$server"
wait "$server" 2>/dev/null
serve "unix:$work/sock"
soon get http://x/metrics
kill "$server"

# passed on by systemd
if command -v systemd-socket-activate >/dev/null; then
	systemd-socket-activate -l "$work/passed" "$zctl" metrics --listen \
		-n "$label" >"$work/serve" 2>&1 &
	pids="$pids $!"
	soon curl -sf --noproxy '*' --unix-socket "$work/passed" \
		http://x/metrics
	contains uzswap_stored_bytes
fi

# a real Prometheus, on a port of its own
free_port()
{
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
if ! command -v prometheus >/dev/null || ! command -v python3 >/dev/null; then
	echo 'no prometheus: not tested'
	finish
fi
port=$(free_port)
serve "127.0.0.1:$port"
web=$(free_port)
cat >"$work/prometheus.yml" <<END
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: uzswap
    static_configs: [ targets: [ "127.0.0.1:$port" ] ]
END
promtool check config "$work/prometheus.yml" >"$work/out" 2>&1 ||
	fault "promtool: $(cat "$work/out")"
for rules in "$UZ_SRCDIR"/examples/prometheus/*.yml; do
	[ ! -f "$rules" ] || promtool check rules "$rules" >"$work/out" 2>&1 ||
		fault "$rules: $(cat "$work/out")"
done
prometheus --config.file="$work/prometheus.yml" \
	--storage.tsdb.path="$work/tsdb" \
	--web.listen-address="127.0.0.1:$web" >"$work/prometheus.log" 2>&1 &
prometheus=$!
ask()
{
	curl -sf --noproxy '*' -G "http://127.0.0.1:$web/api/v1/query" \
		--data-urlencode "query=$1" | grep -qF -e "$2"
}
soon ask "uzswap_stored_bytes{name=\"$label\"}" '"629145600"'
soon ask "up{job=\"uzswap\"}" '"1"]'
soon ask "histogram_quantile(0.99, uzswap_fault_seconds_bucket)" '"value"'
soon ask "rate(uzswap_faults_total[10s])" '"source":"pool"'
kill "$prometheus"
wait "$prometheus"
prometheus=
finish
