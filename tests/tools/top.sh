#!/bin/sh
# SPDX-License-Identifier: MIT
#
# top.sh - zctl top in a terminal of 80x24 and others, as a person sees it:
# captured by tmux; and in batch mode, where there is no such terminal.

. "$(dirname "$0")/lib.sh"
build_fake

# --------------------------------------------------------------- batch mode

fake good
first=$pid
expect 0 'CPU%' "$zctl" top -1 --name="$label"
contains "$first"
contains '1 process '
lacks "$(printf '\033')"
# two looks, and the second one knows rates
expect 0 '*' "$zctl" top -b -n 2 -d 0.3 --json "$first"
[ "$(grep -c '^{"schema":"uzswap.list.v1"' "$work/out")" = 2 ] ||
	fault 'not two documents'
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    p, = json.loads(line)["processes"]
    assert 100 < p["faults_per_second"] < 300, p' "$work/out" ||
		fault "rates: $(cat "$work/out")"
fi
# a terminal without a cursor, and no terminal at all, mean batch mode
expect 0 'PID USER' "$zctl" top -n 1 "$first"
expect 0 'SAVED' "$zctl" top -1 -o PID,SAVED "$first"
expect 2 '--delay=' "$zctl" top -d 0 "$first"
expect 2 '--iterations=' "$zctl" top -n 0
expect 2 "unknown column" "$zctl" top --sort nothing
expect 4 'no such process' "$zctl" top -1 2147483646
# nobody there is no error
expect 0 '0 processes' "$zctl" top -1 --name=no-such-name

# ------------------------------------------------------------------- screen

if ! command -v tmux >/dev/null; then
	[ "$faults" = 0 ] && skip 'batch mode is right; tmux is not installed'
	finish
fi
unset TMUX
nr_screen=0
in_tmux() { tmux -f /dev/null -L "uz$$-$nr_screen" "$@"; }
at_end()
{
	in_tmux kill-server 2>/dev/null
}

fake degraded
second=$pid

# screen WIDTH HEIGHT COMMAND...: in a terminal of its own
screen()
{
	in_tmux kill-server 2>/dev/null
	nr_screen=$((nr_screen + 1))
	width=$1 height=$2
	shift 2
	in_tmux new-session -d -x "$width" -y "$height" "$*; sleep 60" ||
		broken 'tmux does not start'
	in_tmux set-option -g remain-on-exit on
}

# shows TEXT: soon
shows()
{
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		in_tmux capture-pane -p >"$work/out"
		grep -qF -e "$1" "$work/out" && return
		sleep 0.25
	done
	fault "no '$1' on: $(cat "$work/out")"
}

# order: the pids from top to bottom
order()
{
	in_tmux capture-pane -p | sed -n '5,20s/^ *\([0-9][0-9]*\) .*/\1/p' |
		tr '\n' ' '
}

top="TERM=screen $zctl top -d 0.3 --name=$label"
screen 80 24 "$top"
shows 'uzswap  '
shows '2 procs  managed 2.0G'
shows ' RAM '
shows '    PID COMMAND       MANAGED [# resident = po'
shows 'CPU%'
shows "$first $label"
shows '[#####===......'
shows ' h help  s sort  f filter  Enter detail'
[ "$(wc -L <"$work/out")" -le 80 ] || fault 'wider than the screen'
shows 'flt/s '

# detail and back
in_tmux send-keys Enter
shows 'memory   1000.0M managed = 300.0M resident + 600.0M stored'
shows 'latency  p50 6.0us  p99 192us'
in_tmux send-keys Enter
sleep 0.5

# choose by arrow: the line about it follows
in_tmux send-keys Down
sleep 0.5
in_tmux capture-pane -p >"$work/out"
chosen=$(sed -n 's/^ \([0-9]*\) .*flt\/s.*/\1/p' "$work/out")
in_tmux send-keys Up
sleep 0.5
in_tmux capture-pane -p >"$work/out"
other=$(sed -n 's/^ \([0-9]*\) .*flt\/s.*/\1/p' "$work/out")
[ -n "$chosen" ] && [ "$chosen" != "$other" ] ||
	fault "arrows: '$chosen' and '$other'"

# filter by what one of them has, sort, help, bytes, delay
in_tmux send-keys f nothing-like-it Enter
shows "nothing matches 'nothing-like-it'"
in_tmux send-keys Escape
shows "$second"
in_tmux send-keys s
shows 'sorted by -RATIO'
in_tmux send-keys S
shows 'sorted by -SAVED'
in_tmux send-keys h
shows 'the bar is MANAGED'
in_tmux send-keys h
in_tmux send-keys b
shows 1048576000
in_tmux send-keys b +
shows 'looking every 600ms'

# by pid, both ways
screen 80 24 "$top --sort PID"
shows "$second"
[ "$(order)" = "$(printf '%s\n' "$first" "$second" | sort -n | tr '\n' ' ')" ] ||
	fault "order: $(order)"
in_tmux send-keys R
sleep 0.7
[ "$(order)" = "$(printf '%s\n' "$first" "$second" | sort -rn | tr '\n' ' ')" ] ||
	fault "reverse: $(order)"

# resized while it runs: wider, narrower, too small, and back
in_tmux resize-window -x 140 -y 40
sleep 0.5
shows '# resident = pool . saved'
in_tmux resize-window -x 50 -y 12
sleep 0.5
shows SAVED
lacks CPU%
in_tmux capture-pane -p >"$work/out"
[ "$(wc -L <"$work/out")" -le 50 ] || fault 'wider than 50'
in_tmux resize-window -x 20 -y 5
shows 'too small'
in_tmux resize-window -x 80 -y 24
shows 'CPU%'

# one ends: it goes; q gives the terminal back
kill -9 "$second"
shows '1 proc '
in_tmux send-keys q
sleep 0.5
in_tmux capture-pane -p >"$work/out"
lacks CPU%

# keys that change something: asked of the process, and told how it ended
end_fake
fake ctl-obeys
screen 80 24 "TERM=screen $zctl top -d 0.3 $pid"
shows "$pid $label"
in_tmux send-keys r
shows 'reclaim how much'
in_tmux send-keys 5% Enter
shows "$pid: reclaimed 0B"
in_tmux send-keys r
shows 'reclaim how much'
in_tmux send-keys much Enter
shows "'much' is neither a size"
in_tmux send-keys p
shows 'nothing new is stored'
in_tmux send-keys o
shows 'restored, and off'
end_fake
fake good
screen 80 24 "TERM=screen $zctl top -d 0.3 $pid"
shows "$pid $label"
in_tmux send-keys p
shows 'it has no control page'

# a process whose texts and numbers are meant to hurt
for mode in escapes garbage ones; do
	end_fake
	fake "$mode"
	screen 80 24 "TERM=screen $zctl top -d 0.3 $pid"
	shows " $pid "
	in_tmux send-keys Enter
	shows 'memory '
	in_tmux capture-pane -p >"$work/out"
	[ "$(wc -L <"$work/out")" -le 80 ] || fault "$mode: too wide"
	in_tmux list-panes -F '#{pane_dead}' | grep -q 0 || fault "$mode: died"
done
finish
