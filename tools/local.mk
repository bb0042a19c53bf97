# SPDX-License-Identifier: MIT
#
# zctl.  It includes nothing of the library but include/: all it knows of a
# process is what the statistics page says; and cores are read by libimage.
# Everything but main() is a convenience library, so that tests can link it.

noinst_LTLIBRARIES += libzctl.la
libzctl_la_SOURCES = \
	tools/zctl.c tools/zctl.h tools/commands.h \
	tools/units.c tools/units.h \
	tools/setting.c tools/setting.h \
	tools/conf.c tools/conf.h \
	tools/library.c tools/library.h \
	tools/preflight.c tools/preflight.h \
	tools/broker.c tools/broker.h \
	tools/device.c tools/device.h \
	tools/snapshot.c tools/snapshot.h \
	tools/client.c tools/client.h \
	tools/target.c tools/target.h \
	tools/ask.c tools/ask.h \
	tools/option_page.c tools/option_page.h \
	tools/progress.c tools/progress.h \
	tools/steer.c tools/steer.h \
	tools/record.c tools/record.h \
	tools/report.c tools/report.h \
	tools/column.c tools/column.h \
	tools/screen.c tools/screen.h \
	tools/listing.c tools/listing.h \
	tools/live.c tools/live.h \
	tools/panel.c tools/panel.h \
	tools/panel_detail.c tools/panel_detail.h \
	tools/metrics.c tools/metrics.h \
	tools/mappings.c tools/mappings.h \
	tools/pool_table.c tools/pool_table.h \
	tools/finding.c tools/finding.h \
	tools/examine_machine.c tools/examine.h \
	tools/examine_process.c \
	tools/serve.c tools/serve.h \
	tools/cmd_doctor.c \
	tools/profile.h \
	tools/profile_page.c \
	tools/profile_module.c \
	tools/profile_symbol.c \
	tools/profile_demangle.c \
	tools/profile_record.c tools/profile_record.h \
	tools/profile_watch.c tools/profile_watch.h \
	tools/profile_file.c \
	tools/profile_parse.c \
	tools/profile_cold.c tools/profile_cold.h \
	tools/profile_sum.c tools/profile_sum.h \
	tools/profile_name.c tools/profile_name.h \
	tools/profile_heat.c tools/profile_heat.h \
	tools/profile_text.c tools/profile_text.h \
	tools/profile_export.c tools/profile_export.h \
	tools/profile_pprof.c \
	tools/profile_html.c tools/profile_page_html.h \
	tools/cmd_profile.c \
	tools/cmd_forecast.c \
	tools/core_file.c tools/core_file.h \
	tools/cmd_core.c \
	tools/cmd_run.c \
	tools/cmd_set.c \
	tools/cmd_reclaim.c \
	tools/cmd_off.c \
	tools/cmd_on.c \
	tools/cmd_list.c \
	tools/cmd_metrics.c \
	tools/cmd_stats.c \
	tools/cmd_top.c
nodist_libzctl_la_SOURCES = tools/profile_page_html.c \
	tools/pprof.pb-c.c tools/pprof.pb-c.h
libzctl_la_CPPFLAGS = $(ZCTL_CPPFLAGS)
libzctl_la_CFLAGS = $(COMMON_CFLAGS)

bin_PROGRAMS += zctl
zctl_SOURCES = tools/main.c
zctl_CPPFLAGS = $(ZCTL_CPPFLAGS)
zctl_CFLAGS = $(COMMON_CFLAGS)
zctl_LDADD = libzctl.la libimage.la libengine.la $(LZ4_ARCHIVE) $(ZSTD_ARCHIVE) \
	$(ZCTL_LIBS)

# What hands out /dev/userfaultfd, with as little as can be linked into it.
pkglibexec_PROGRAMS = uzswap-uffd
uzswap_uffd_SOURCES = tools/uffd_broker.c
uzswap_uffd_CPPFLAGS = $(COMMON_CPPFLAGS) $(CAPNG_CFLAGS)
uzswap_uffd_CFLAGS = $(COMMON_CFLAGS)
uzswap_uffd_LDADD = $(CAPNG_LIBS)

ZCTL_CPPFLAGS = $(COMMON_CPPFLAGS) -I$(top_srcdir)/tools -Itools \
	-DUZSWAP_LIBDIR='"$(libdir)"' \
	-DUZSWAP_VENDORDIR='"$(prefix)/lib/uzswap"' \
	-DUZSWAP_CONFDIR='"$(sysconfdir)/uzswap"' \
	$(SMARTCOLS_CFLAGS) $(JANSSON_CFLAGS) $(NCURSES_CFLAGS) \
	$(INIH_CFLAGS) $(MICROHTTPD_CFLAGS) $(DW_CFLAGS) $(ZLIB_CFLAGS) \
	$(PROTOBUF_C_CFLAGS)
ZCTL_LIBS = $(SMARTCOLS_LIBS) $(JANSSON_LIBS) $(NCURSES_LIBS) \
	$(INIH_LIBS) $(MICROHTTPD_LIBS) $(DW_LIBS) $(ZLIB_LIBS) \
	$(PROTOBUF_C_LIBS) -lm

# The report of zctl profile, as C.
EXTRA_DIST += tools/report.html tools/report_html.sh
CLEANFILES += tools/profile_page_html.c
tools/profile_page_html.c: tools/report.html tools/report_html.sh
	@$(MKDIR_P) tools
	$(AM_V_GEN){ printf '#include <stddef.h>\n\n#include "profile_page_html.h"\n\n'; \
		$(SHELL) $(srcdir)/tools/report_html.sh \
			$(srcdir)/tools/report.html; } >$@.tmp && mv $@.tmp $@

# What pprof reads, as C.
EXTRA_DIST += tools/pprof.proto
CLEANFILES += tools/pprof.pb-c.c tools/pprof.pb-c.h
BUILT_SOURCES = tools/pprof.pb-c.h
tools/pprof.pb-c.h: tools/pprof.pb-c.c
tools/pprof.pb-c.c: tools/pprof.proto
	@$(MKDIR_P) tools
	$(AM_V_GEN)$(PROTOC_C) -I$(srcdir)/tools --c_out=tools pprof.proto
