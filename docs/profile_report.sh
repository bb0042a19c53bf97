#!/bin/sh
# SPDX-License-Identifier: MIT
#
# profile_report.sh RECORDING [FOLDER] - pictures of the HTML report of a
# recording, as it is on a laptop, by headless Chromium: profile_light.png and
# profile_dark.png.  Exit 77 without it.

[ $# -ge 1 ] || { echo "usage: profile_report.sh RECORDING [FOLDER]"; exit 99; }
command -v chromium >/dev/null || { echo 'SKIP: no chromium'; exit 77; }
recording=$1
folder=${2:-.}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

"${ZCTL:-zctl}" profile --cold "${COLD:-10s}" --format html "$recording" \
	>"$work/report.html" || exit 1
# 1: light, 0: dark
for mode in light:1 dark:0; do
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars \
		--user-data-dir="$work/chromium" --window-size=1366,1500 \
		--blink-settings=preferredColorScheme="${mode#*:}" \
		--screenshot="$folder/profile_${mode%:*}.png" \
		"file://$work/report.html" >/dev/null 2>&1 || exit 1
done
