# SPDX-License-Identifier: MIT
#
# Manual pages, in plain man(7).

dist_man_MANS = \
	man/zctl.1 \
	man/zctl-list.1 \
	man/zctl-run.1 \
	man/zctl-stats.1 \
	man/zctl-top.1 \
	man/uzswap.7
