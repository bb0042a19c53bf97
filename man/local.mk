# SPDX-License-Identifier: MIT
#
# Manual pages, in plain man(7).

dist_man_MANS = \
	man/zctl.1 \
	man/uzswap.conf.5 \
	man/zctl-doctor.1 \
	man/zctl-list.1 \
	man/zctl-metrics.1 \
	man/zctl-run.1 \
	man/zctl-stats.1 \
	man/zctl-set.1 \
	man/zctl-reclaim.1 \
	man/zctl-off.1 \
	man/zctl-on.1 \
	man/zctl-top.1 \
	man/zctl-profile.1 \
	man/zctl-forecast.1 \
	man/zctl-core.1 \
	man/uzswap-permission.7 \
	man/uzswap-pool.7 \
	man/uzswap-pressure.7 \
	man/uzswap.7 \
	man/uzswap-options.7
