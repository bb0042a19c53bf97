# SPDX-License-Identifier: MIT
#
# The tests.  To add one, put the file where its kind lives and add its name
# to the list of that folder; what is compiled here is listed without .c:
#
#   unit      cmocka, one program per module: test_NOUN.c
#   model     cmocka, random operations against a naive twin: model_NOUN.c
#   fake      a kernel below the engine, for model_engine
#   fuzz      a parser of outside bytes on random input: fuzz_NOUN.c
#   live      a plain program on a real userfaultfd, linked with the engine
#   preload   an ordinary program that knows nothing of us, compiled and run
#             under the library by preload/run.sh; named after the behaviour
#             it shows
#   tools     a script that tries zctl
#   profile   a script that records a program whose memory is known
#   pressure  a script that changes limits and groups under real programs
#   lint      a script on the sources and what was built
#   bench     built by make check so that it keeps compiling, never run
#
# tests/real and bench are scripts that bring their own programs along.
#
# Plain programs and scripts end with 0 (passed), 1 (failed), 77 (skipped,
# saying why) or 99 (the test is broken).  tests/run-tap.sh makes TAP of it.
# Headers and helpers that tests share go into libtest.

UNIT_TESTS = \
	tests/unit/test_arena \
	tests/unit/test_busy \
	tests/unit/test_cgroup \
	tests/unit/test_codec \
	tests/unit/test_config \
	tests/unit/test_dict \
	tests/unit/test_early \
	tests/unit/test_exempt \
	tests/unit/test_hot \
	tests/unit/test_joint \
	tests/unit/test_known \
	tests/unit/test_lock \
	tests/unit/test_near \
	tests/unit/test_visit \
	tests/unit/test_order \
	tests/unit/test_pace \
	tests/unit/test_page \
	tests/unit/test_pagemap \
	tests/unit/test_pool \
	tests/unit/test_pool_class \
	tests/unit/test_pressure \
	tests/unit/test_proc \
	tests/unit/test_profile_budget \
	tests/unit/test_profile_cold \
	tests/unit/test_profile_filter \
	tests/unit/test_profile_name \
	tests/unit/test_reclaim \
	tests/unit/test_region \
	tests/unit/test_repack \
	tests/unit/test_share \
	tests/unit/test_slab \
	tests/unit/test_stall \
	tests/unit/test_staging \
	tests/unit/test_store \
	tests/unit/test_stream \
	tests/unit/test_sum \
	tests/unit/test_text \
	tests/unit/test_thread \
	tests/unit/test_trail \
	tests/unit/test_units \
	tests/unit/test_vdso

# the one of hooks/ that hooks nothing
tests_unit_test_known_SOURCES = tests/unit/test_known.c src/hooks/known.c

MODEL_TESTS = \
	tests/model/model_engine \
	tests/model/model_page \
	tests/model/model_pool \
	tests/model/model_region

# The engine over a kernel of its own: see tests/fake/kernel.h.
FAKE = \
	tests/fake/actor.c tests/fake/actor.h \
	tests/fake/call.h \
	tests/fake/call_file.c \
	tests/fake/call_memory.c \
	tests/fake/call_thread.c \
	tests/fake/change.c tests/fake/change.h \
	tests/fake/handle.c tests/fake/handle.h \
	tests/fake/kernel.c tests/fake/kernel.h \
	tests/fake/memory.c tests/fake/memory.h \
	tests/fake/missing.c tests/fake/missing.h \
	tests/fake/pagemap_fake.c tests/fake/pagemap_fake.h \
	tests/fake/program.c tests/fake/program.h \
	tests/fake/refusal.c tests/fake/refusal.h
tests_model_model_engine_SOURCES = tests/model/model_engine.c \
	tests/model/twin.c tests/model/twin.h $(FAKE)

FUZZ_TESTS = \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_control \
	tests/fuzz/fuzz_image \
	tests/fuzz/fuzz_proc \
	tests/fuzz/fuzz_profile \
	tests/fuzz/fuzz_setting \
	tests/fuzz/fuzz_snapshot \
	tests/fuzz/fuzz_unpack

LIVE_TESTS = \
	tests/live/live_age \
	tests/live/live_mode

# Live, also with sanitizers, which see threads of pthread_create only.
RACE_TESTS = \
	tests/live/live_race
tests_live_live_race_SOURCES = tests/live/live_race.c
EXTRA_DIST += tests/live/sanitized_threads.c
if SANITIZE
tests_live_live_race_SOURCES += tests/live/sanitized_threads.c
endif

PRELOAD_TESTS = \
	tests/preload/advice_of_all_kinds.c \
	tests/preload/bss_and_reservation.c \
	tests/preload/burst.c \
	tests/preload/cancel_threads.c \
	tests/preload/clone_ends_by_itself.c \
	tests/preload/clone_shares_memory.c \
	tests/preload/close_everything.c \
	tests/preload/daemon_goes_on.c \
	tests/preload/direct_io.c \
	tests/preload/dlopen_and_close.c \
	tests/preload/dontdump_stored.c \
	tests/preload/dontfork_wipeonfork.c \
	tests/preload/dontneed_while_writing.c \
	tests/preload/dontunmap_stored.c \
	tests/preload/equal_pages.c \
	tests/preload/evicted_while_asked.c \
	tests/preload/exec_and_spawn.c \
	tests/preload/exec_while_busy.c \
	tests/preload/exit_while_busy.c \
	tests/preload/few_descriptors.c \
	tests/preload/fork_child_reads.c \
	tests/preload/fork_from_small_threads.c \
	tests/preload/fork_child_stays_small.c \
	tests/preload/fork_from_thread.c \
	tests/preload/fork_of_fork.c \
	tests/preload/fork_waits_for_lock.c \
	tests/preload/fork_waits_for_long.c \
	tests/preload/fork_while_unmapping.c \
	tests/preload/fork_without_privilege.c \
	tests/preload/futex_in_stored.c \
	tests/preload/grows_down.c \
	tests/preload/guard_pages.c \
	tests/preload/heap_by_brk.c \
	tests/preload/huge_pages.c \
	tests/preload/idle_half_leaves.c \
	tests/preload/incompressible.c \
	tests/preload/io_uring_on_stored.c \
	tests/preload/jump_out_of_handlers.c \
	tests/preload/killed_while_busy.c \
	tests/preload/limit_too_small.c \
	tests/preload/limited_by_rlimits.c \
	tests/preload/main_thread_ends.c \
	tests/preload/many_forks.c \
	tests/preload/map_fixed_over_stored.c \
	tests/preload/memory_compacted.c \
	tests/preload/mlock_and_unlock.c \
	tests/preload/mlock_stored.c \
	tests/preload/mprotect_stored.c \
	tests/preload/mremap_half_known.c \
	tests/preload/mremap_moves.c \
	tests/preload/mremap_whole_after_calm.c \
	tests/preload/munmap_and_reuse.c \
	tests/preload/own_fault_handlers.c \
	tests/preload/own_userfaultfd.c \
	tests/preload/process_madvise_others.c \
	tests/preload/random_access.c \
	tests/preload/raw_forks.c \
	tests/preload/repack_idle.c \
	tests/preload/robust_mutex_in_stored.c \
	tests/preload/scan_again_and_again.c \
	tests/preload/seccomp_over_all_threads.c \
	tests/preload/setuid_and_chroot.c \
	tests/preload/signals_on_stored.c \
	tests/preload/stop_and_continue.c \
	tests/preload/syscalls_on_stored.c \
	tests/preload/thread_arenas.c \
	tests/preload/thread_ends_after_sleep.c \
	tests/preload/threads_by_thousands.c \
	tests/preload/threads_past_the_hook.c \
	tests/preload/trace_a_child.c \
	tests/preload/vmsplice_stored.c \
	tests/preload/walk_backwards.c \
	tests/preload/wp_replace_in_place.c

TOOLS_TESTS = \
	tests/tools/at_exit.sh \
	tests/tools/broker.sh \
	tests/tools/child_variables.sh \
	tests/tools/completion.sh \
	tests/tools/conf.sh \
	tests/tools/control.sh \
	tests/tools/control_hostile.sh \
	tests/tools/control_redis.sh \
	tests/tools/container.sh \
	tests/tools/core.sh \
	tests/tools/debuggers.sh \
	tests/tools/doctor.sh \
	tests/tools/follow.sh \
	tests/tools/log.sh \
	tests/tools/manual.sh \
	tests/tools/metrics.sh \
	tests/tools/run_environment.sh \
	tests/tools/run_preflight.sh \
	tests/tools/run_privilege.sh \
	tests/tools/stats_hostile.sh \
	tests/tools/stats_views.sh \
	tests/tools/top.sh \
	tests/tools/usage.sh

PROFILE_TESTS = \
	tests/profile/accuracy.sh \
	tests/profile/bounds.sh \
	tests/profile/forecast.sh \
	tests/profile/formats.sh \
	tests/profile/running.sh

PRESSURE_TESTS = \
	tests/pressure/child_reads.sh \
	tests/pressure/flights.sh \
	tests/pressure/limit_halved.sh \
	tests/pressure/shared_group.sh \
	tests/pressure/stall.sh

LINT_TESTS = \
	tests/lint/files.sh \
	tests/lint/headers.sh \
	tests/lint/layers.sh \
	tests/lint/man.sh \
	tests/lint/scripts.sh \
	tests/lint/style.sh \
	tests/lint/symbols.sh

BENCHES = \
	tests/bench/bench_churn \
	tests/bench/bench_look \
	tests/bench/bench_pack

# Scripts and data that come along; see files.sh.
EXTRA_DIST += tests/run-tap.sh tests/run-preload.sh \
	$(LINT_TESTS) tests/lint/lib.sh \
	$(TOOLS_TESTS) tests/tools/lib.sh tests/tools/fake_target.c \
	tests/tools/forking_thread.c tests/tools/in_container.c \
	$(PROFILE_TESTS) tests/profile/lib.sh tests/profile/known_sites.c \
	tests/profile/many_sites.c \
	tests/profile/check_accuracy.py tests/profile/check_formats.py \
	$(PRELOAD_TESTS) tests/preload/run.sh tests/preload/pattern.h \
	tests/preload/readers.h \
	tests/preload/peek.c $(PRESSURE_TESTS) tests/pressure/lib.sh \
	tests/pressure/resize.py tests/pressure/share.py \
	tests/pressure/over_swap.sh tests/pressure/reading_child.c \
	tests/pressure/sharer.c \
	tests/vm/run.sh tests/vm/init tests/vm/guest.sh $(REAL_FILES)
REAL_FILES = \
	tests/lib/group.sh \
	tests/lib/in_group.sh \
	tests/lib/script.sh \
	tests/lib/setup.sh \
	tests/real/arenas.c \
	tests/real/bgsave.sh \
	tests/real/build.sh \
	tests/real/burst.c \
	tests/real/check_stats.py \
	tests/real/data.c \
	tests/real/data.h \
	tests/real/data_out.c \
	tests/real/data_out.h \
	tests/real/lib.sh \
	tests/real/lasting.c \
	tests/real/lasting.sh \
	tests/real/node_heap.js \
	tests/real/page_ratio.py \
	tests/real/py_objects.py \
	tests/real/redis_client.c \
	tests/real/redis_load.py \
	tests/real/redis_suite.sh \
	tests/real/refuse.sh \
	tests/real/refused.c \
	tests/real/resp.c \
	tests/real/resp.h \
	tests/real/run.sh \
	tests/real/soak.sh \
	tests/real/sqlite_memory.py \
	tests/real/torture.sh \
	tests/real/profile.sh \
	bench/churn.c \
	bench/floor.c \
	bench/limited.sh \
	bench/memory.c \
	bench/overhead.py \
	bench/overhead.sh \
	bench/recording.py \
	bench/peers.py \
	bench/records.c \
	bench/records.h \
	bench/run \
	bench/scan.c \
	bench/simulate.c \
	bench/simulate.h \
	bench/simulate_kernel.c \
	bench/start.c \
	bench/stats_cost.py \
	bench/works.py \
	docs/profile_report.sh docs/screenshot.py docs/transcript.sh

# Shared by tests: fixtures, patterns, fakes, the main() of fuzz tests.
LIBTEST = \
	tests/unit/fixture.c tests/unit/fixture.h \
	tests/unit/page_owner.h tests/unit/pool_owner.h \
	tests/fuzz/fuzz_main.c tests/fuzz/fuzz_main.h \
	tests/bench/corpus.c tests/bench/corpus.h \
	tests/bench/pack_left_out.c tests/bench/pack_left_out.h \
	tests/bench/pack_equal.c tests/bench/pack_equal.h \
	tests/bench/pack_shelf.c tests/bench/pack_shelf.h \
	tests/bench/pack_time.c tests/bench/pack_time.h \
	tests/bench/zram_twin.c tests/bench/zram_twin.h

# ------------------------------------------------------------- how they run

TESTS = $(LINT_TESTS) $(TOOLS_TESTS) $(PROFILE_TESTS) $(PRESSURE_TESTS)
TEST_EXTENSIONS = .sh .c
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
C_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run-tap.sh
SH_LOG_COMPILER = $(LOG_COMPILER)
C_LOG_COMPILER = $(LOG_COMPILER)

# What scripts may rely on, in the build tree or out of it.
AM_TESTS_ENVIRONMENT = \
	UZ_SRCDIR='$(abs_top_srcdir)'; export UZ_SRCDIR; \
	UZ_BUILDDIR='$(abs_top_builddir)'; export UZ_BUILDDIR; \
	UZ_SANITIZE='$(UZ_SANITIZE_FLAGS)'; export UZ_SANITIZE; \
	CC='$(CC)'; export CC; NM='$(NM)'; export NM;

# zctl with sanitizers on whatever is not what it seems, in a build of its own:
# some three minutes.
HOSTILE_RUNS = stats_hostile control_hostile doctor top usage conf
.PHONY: check-hostile
check-hostile:
	$(MKDIR_P) hostile
	test -f hostile/Makefile || { cd hostile && \
		$(abs_top_srcdir)/configure -q CC='$(CC)' \
			--enable-sanitize=address,undefined; }
	$(MAKE) -C hostile -s $(BUILT_SOURCES)
	$(MAKE) -C hostile -s zctl $(FUZZ_TESTS)
	for t in $(FUZZ_TESTS); do hostile/$$t || exit; done
	for t in $(HOSTILE_RUNS); do \
		echo $$t; UZ_SRCDIR='$(abs_top_srcdir)' \
		UZ_BUILDDIR='$(abs_top_builddir)/hostile' UZ_SANITIZE=address \
		CC='$(CC)' $(SHELL) $(top_srcdir)/tests/tools/$$t.sh || exit; \
	done

# The engine itself at work under torture, and its tests, with sanitizers.
RACE_SECONDS = 30
.PHONY: check-sanitizers
check-sanitizers:
	for s in address,undefined thread; do \
		$(MKDIR_P) sanitized/$$s && (cd sanitized/$$s && \
		{ test -f Makefile || $(abs_top_srcdir)/configure -q \
			CC='$(CC)' --enable-sanitize=$$s; } && \
		$(MAKE) -s check TESTS='$(UNIT_TESTS) $(MODEL_TESTS)' && \
		tests/live/live_race $(RACE_SECONDS)) || exit; \
	done

# Everything under torture for an hour; SOAK_SECONDS, SOAK_SEED.
.PHONY: soak
soak: all
	UZ_SRCDIR='$(abs_top_srcdir)' UZ_BUILDDIR='$(abs_top_builddir)' \
		$(SHELL) $(top_srcdir)/tests/real/soak.sh

# System calls fail under the library, one after the other: some minutes.
.PHONY: check-refusals
check-refusals: all
	UZ_BUILDDIR='$(abs_top_builddir)' CC='$(CC)' \
		$(SHELL) $(top_srcdir)/tests/real/refuse.sh

# Over kernel swap, which is there for the whole machine meanwhile: see there.
.PHONY: check-swap
check-swap: all tests/unit/test_pagemap$(EXEEXT)
	for e in move wp; do \
		UZ_SRCDIR='$(abs_top_srcdir)' UZ_BUILDDIR='$(abs_top_builddir)' \
		CC='$(CC)' $(SHELL) $(top_srcdir)/tests/pressure/over_swap.sh \
		-e $$e -w 3 || exit; \
	done

# A profile at the cost that is the default, against the truth: some minutes.
.PHONY: check-profile
check-profile: all
	UZ_SRCDIR='$(abs_top_srcdir)' UZ_BUILDDIR='$(abs_top_builddir)' \
		CC='$(CC)' $(SHELL) $(top_srcdir)/tests/profile/accuracy.sh \
		48 60 1 2000

# The same tests on another kernel, with cgroup v2: see tests/vm/run.sh, whose
# options VM_FLAGS are.  Minutes with KVM, hours without.
VM_TESTS = $(UNIT_TESTS) $(LIVE_TESTS) $(PRELOAD_TESTS) $(TOOLS_TESTS) \
	$(PRESSURE_TESTS)
.PHONY: check-vm
check-vm: all
	$(MAKE) check TESTS=
	$(SHELL) $(top_srcdir)/tests/vm/run.sh $(VM_FLAGS) \
		make -k check TESTS='$(VM_TESTS)'

if TESTS_ENABLED
TESTS += $(UNIT_TESTS) $(MODEL_TESTS) $(FUZZ_TESTS) $(RACE_TESTS)
check_PROGRAMS += $(UNIT_TESTS) $(MODEL_TESTS) $(FUZZ_TESTS) $(RACE_TESTS) \
	$(BENCHES)
if !SANITIZE
TESTS += $(LIVE_TESTS)
check_PROGRAMS += $(LIVE_TESTS)
endif
endif
if !SANITIZE
TESTS += $(PRELOAD_TESTS)
endif

# A test may look into everything: "store/pool.h", "tools/units.h".
AM_CPPFLAGS = $(COMMON_CPPFLAGS) -I$(top_srcdir)/src -I$(top_srcdir)
AM_CFLAGS = $(COMMON_CFLAGS) $(CMOCKA_CFLAGS)
LDADD = libtest.la libzctl.la libimage.la libengine.la $(LZ4_ARCHIVE) $(ZSTD_ARCHIVE) $(CMOCKA_LIBS) $(ZCTL_LIBS)

check_LTLIBRARIES = libtest.la
libtest_la_SOURCES = $(LIBTEST)
