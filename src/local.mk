# SPDX-License-Identifier: MIT
#
# The library, lowest layer first.
#
#   libengine      base .. watch; tests link it; knows nothing of preloading
#   libuzswap      the hooks and the engine: what gets into LD_PRELOAD
#   libimage       reads what the engine left in a core; for zctl, with it
#
# The archives of lz4 and zstd are given to the linker behind libtool's back:
# they are to be part of the library and nothing that its users have to know.
#
# A new file is one line in the list of its folder.

BASE = \
	src/base/types.h \
	src/base/sys.c src/base/sys_call.c src/base/sys.h \
	src/base/broker.c src/base/broker.h \
	src/base/vdso.c src/base/vdso.h \
	src/base/uffd.c src/base/uffd.h \
	src/base/pagemap.c src/base/pagemap.h \
	src/base/arena.c src/base/arena.h \
	src/base/lock.c src/base/lock.h \
	src/base/thread.c src/base/thread_start.c src/base/thread.h \
	src/base/text.c src/base/text.h \
	src/base/log.c src/base/log.h \
	src/base/mark.c src/base/mark.h \
	src/base/proc.c src/base/proc.h \
	src/base/proc_maps.c \
	src/base/cgroup.c src/base/cgroup.h \
	src/base/count.c src/base/count.h \
	src/base/torture.c src/base/torture.h

SPACE = \
	src/space/region.c src/space/region.h \
	src/space/exempt.c src/space/exempt.h \
	src/space/page.c src/space/page.h

STORE = \
	src/store/sum.c src/store/sum.h \
	src/store/codec.c src/store/codec.h \
	src/store/codec_same.c \
	src/store/codec_name.c \
	src/store/codec_lz4.c \
	src/store/codec_zstd.c \
	src/store/dict.c src/store/dict.h \
	src/store/slab.c src/store/slab.h \
	src/store/pool.c src/store/pool.h \
	src/store/pool_slot.c src/store/pool_slot.h \
	src/store/pool_class.c src/store/pool_class.h \
	src/store/pool_compact.c \
	src/store/pool_seal.c \
	src/store/joint.c src/store/joint.h \
	src/store/store.c src/store/store.h src/store/store_ref.h \
	src/store/store_repack.c

ENGINE = \
	src/engine/engine.c src/engine/engine.h \
	src/engine/stream.c src/engine/stream.h \
	src/engine/source.c src/engine/source.h \
	src/engine/steward.c src/engine/steward.h \
	src/engine/mode.c src/engine/mode.h \
	src/engine/whole.c src/engine/whole.h \
	src/engine/busy.c src/engine/busy.h \
	src/engine/early.c src/engine/early.h \
	src/engine/trail.c src/engine/trail.h \
	src/engine/pin.c src/engine/pin.h \
	src/engine/yield.c src/engine/yield.h \
	src/engine/audit.c src/engine/audit.h \
	src/engine/cold.c src/engine/cold.h \
	src/engine/descriptor.c src/engine/descriptor.h \
	src/engine/staging.c src/engine/staging.h \
	src/engine/evict.c src/engine/evict.h \
	src/engine/evict_move.c src/engine/evict_move.h \
	src/engine/evict_remap.c src/engine/evict_remap.h \
	src/engine/fault.c src/engine/fault.h \
	src/engine/follow.c src/engine/follow.h \
	src/engine/hot.c src/engine/hot.h \
	src/engine/keep.c src/engine/keep.h \
	src/engine/near.c src/engine/near.h \
	src/engine/visit.c src/engine/visit.h \
	src/engine/restore.c src/engine/restore.h \
	src/engine/fill.c src/engine/fill.h \
	src/engine/snapshot.c src/engine/snapshot.h \
	src/engine/order.c src/engine/order.h \
	src/engine/event.c src/engine/event.h \
	src/engine/gate.c src/engine/gate.h \
	src/engine/upkeep.c src/engine/upkeep.h \
	src/engine/reclaim.c src/engine/reclaim.h \
	src/engine/tune.c src/engine/tune.h \
	src/engine/pace.c src/engine/pace.h \
	src/engine/pressure.c src/engine/pressure.h \
	src/engine/share.c src/engine/share.h \
	src/engine/age.c src/engine/age.h \
	src/engine/stall.c src/engine/stall.h \
	src/engine/still.c src/engine/still.h \
	src/engine/adopt.c src/engine/adopt.h \
	src/engine/probe.c src/engine/probe.h \
	src/engine/fork.c src/engine/fork.h \
	src/engine/fork_list.c src/engine/fork_list.h

WATCH = \
	src/watch/config.c src/watch/config.h \
	src/watch/config_env.c \
	src/watch/config_engine.c \
	src/watch/publish.c src/watch/publish.h \
	src/watch/control.c src/watch/control.h \
	src/watch/control_set.c \
	src/watch/control_work.c \
	src/watch/control_estimate.c \
	src/watch/image.h src/watch/image_root.c \
	src/watch/profile.c src/watch/profile.h \
	src/watch/profile_site.c \
	src/watch/profile_live.c \
	src/watch/profile_budget.c src/watch/profile_budget.h \
	src/watch/profile_filter.c src/watch/profile_filter.h \
	src/watch/profile_point.c \
	src/watch/profile_round.c

HOOKS = \
	src/hooks/hooks.h \
	src/hooks/preload.c \
	src/hooks/summary.c \
	src/hooks/hook_map.c \
	src/hooks/hook_remap.c \
	src/hooks/hook_advice.c src/hooks/hook_uffd.c \
	src/hooks/hook_malloc.c \
	src/hooks/hook_profile.c \
	src/hooks/known.c src/hooks/known.h \
	src/hooks/unwind.c src/hooks/unwind.h \
	src/hooks/hook_fork.c

noinst_LTLIBRARIES += libengine.la
libengine_la_SOURCES = $(BASE) $(SPACE) $(STORE) $(ENGINE) $(WATCH)
libengine_la_CPPFLAGS = $(LIBRARY_CPPFLAGS)
libengine_la_CFLAGS = $(LIBRARY_CFLAGS)

noinst_LTLIBRARIES += libimage.la
libimage_la_SOURCES = src/watch/image.c
libimage_la_CPPFLAGS = $(LIBRARY_CPPFLAGS)
libimage_la_CFLAGS = $(LIBRARY_CFLAGS)

# With sanitizers there is no library: the sanitizer's own hooks would meet
# ours.
if !SANITIZE
lib_LTLIBRARIES += libuzswap.la
endif
libuzswap_la_SOURCES = $(HOOKS)
libuzswap_la_CPPFLAGS = $(LIBRARY_CPPFLAGS)
libuzswap_la_CFLAGS = $(LIBRARY_CFLAGS)
libuzswap_la_LIBADD = libengine.la
libuzswap_la_LDFLAGS = -version-number $(UZ_VERSION_NUMBER) -no-undefined \
	-Wl,--version-script=$(top_srcdir)/src/hooks/exports.map \
	-Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	-Wl,-z,nodelete -Wl,-z,initfirst -Wl,-Bsymbolic \
	-Wl,--exclude-libs,ALL -Wl,--as-needed -Wl,$(LZ4_ARCHIVE) \
	-Wl,$(ZSTD_ARCHIVE) -Wl,$(UNWIND_ARCHIVE)
EXTRA_libuzswap_la_DEPENDENCIES = src/hooks/exports.map $(LZ4_ARCHIVE) \
	$(ZSTD_ARCHIVE) $(UNWIND_ARCHIVE)
EXTRA_DIST += src/hooks/exports.map

# What every object of the library is compiled with.  Thread-local storage
# of the lazy model calls malloc; a stack protector and fortified functions
# rely on things that are not there yet when the first hook is called, so that
# these two come last, behind what the user or a distribution wants.
LIBRARY_CPPFLAGS = $(COMMON_CPPFLAGS) -I$(top_srcdir)/src
LIBRARY_CFLAGS = $(COMMON_CFLAGS) -fvisibility=hidden -ftls-model=initial-exec \
	-fno-plt $(LZ4_CFLAGS) $(ZSTD_CFLAGS)
$(libengine_la_OBJECTS) $(libuzswap_la_OBJECTS): \
	override CFLAGS += -fno-stack-protector -U_FORTIFY_SOURCE
