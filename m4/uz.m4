# SPDX-License-Identifier: MIT
#
# The macros of configure.ac: platform, switches, warnings, sanitizers and
# static archives.

# UZ_CHECK_PLATFORM
# Say in words what cannot work, before a compiler says it in errors.
AC_DEFUN([UZ_CHECK_PLATFORM], [
AC_MSG_CHECKING([for a platform that can work])
AS_CASE([$host_os], [linux*], [],
	[AC_MSG_ERROR([userfaultfd exists on Linux only, not on $host_os])])
AS_CASE([$host_cpu], [x86_64|aarch64], [],
	[AC_MSG_ERROR([this is for x86-64 and aarch64, not for $host_cpu])])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[]],
	[[_Static_assert(sizeof(void *) == 8, "");]])], [],
	[AC_MSG_ERROR([32-bit programs have no room for this; do without -m32 or -mx32])])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <features.h>
#ifndef __GLIBC__
#error
#endif
]])], [],
	[AC_MSG_ERROR([the C library must be glibc (musl and others lack what is interposed)])])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <linux/userfaultfd.h>
#include <sys/ioctl.h>]],
	[[(void)UFFDIO_WRITEPROTECT;]])], [],
	[AC_MSG_ERROR([<linux/userfaultfd.h> is missing or older than Linux 5.7; install linux-libc-dev])])
AC_MSG_RESULT([$host_cpu, glibc])
])

# UZ_SWITCH(NAME, HELP)
# --enable-NAME, off unless asked for; sets enable_NAME to yes or no.
AC_DEFUN([UZ_SWITCH], [
AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])],
	[AS_CASE([$enableval], [yes|no], [],
		[AC_MSG_ERROR([--enable-$1 is yes or no, not $enableval])])],
	[enable_$1=no])
])

# UZ_ADD_WARNINGS(FLAGS)
# Append to UZ_WARNINGS those of FLAGS that the compiler knows.
AC_DEFUN([UZ_ADD_WARNINGS], [
uz_save_cflags=$CFLAGS
for uz_flag in m4_normalize([$1]); do
	# gcc takes any -Wno-..., and complains only beside other errors
	CFLAGS="$uz_save_cflags -Werror $uz_flag"
	AC_MSG_CHECKING([whether $CC knows $uz_flag])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[]], [[]])],
		[UZ_WARNINGS="$UZ_WARNINGS $uz_flag"
		 AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])])
done
CFLAGS=$uz_save_cflags
AC_SUBST([UZ_WARNINGS])
])

# UZ_SANITIZE
# --enable-sanitize=address,undefined or =thread; sets UZ_SANITIZE_FLAGS.
AC_DEFUN([UZ_SANITIZE], [
AC_ARG_ENABLE([sanitize],
	[AS_HELP_STRING([--enable-sanitize=LIST],
		[address,undefined or thread: the engine and its tests only])],
	[], [enable_sanitize=no])
AS_CASE([$enable_sanitize],
	[yes], [enable_sanitize=address,undefined])
AS_IF([test "$enable_sanitize" != no], [
	UZ_SANITIZE_FLAGS="-fsanitize=$enable_sanitize -fno-sanitize-recover=all -fno-omit-frame-pointer"
	uz_save_cflags=$CFLAGS
	CFLAGS="$CFLAGS $UZ_SANITIZE_FLAGS"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[]])], [],
		[AC_MSG_ERROR([$CC cannot link with -fsanitize=$enable_sanitize])])
	CFLAGS=$uz_save_cflags
])
AC_SUBST([UZ_SANITIZE_FLAGS])
AM_CONDITIONAL([SANITIZE], [test "$enable_sanitize" != no])
])

# UZ_STATIC_ARCHIVE(PREFIX, MODULE, FUNCTION)
# Find the static archive of the pkg-config MODULE that has FUNCTION, and
# make sure that it can become part of a shared library.  Its absolute name
# is put into PREFIX_ARCHIVE, which the user may set beforehand.
#
# It must be an archive: with a shared library FUNCTION would be looked up
# among the symbols of the program that we are preloaded into.
AC_DEFUN([UZ_STATIC_ARCHIVE], [
AC_ARG_VAR([$1_ARCHIVE], [path of the static archive of $2])
AC_MSG_CHECKING([for the static archive of $2])
AS_IF([test -z "$$1_ARCHIVE"], [
	uz_dir=`$PKG_CONFIG --variable=libdir $2`
	$1_ARCHIVE=$uz_dir/$2.a
	AS_IF([test ! -f "$$1_ARCHIVE"],
		[$1_ARCHIVE=`$CC $CFLAGS -print-file-name=$2.a`])
])
AS_CASE([$$1_ARCHIVE], [/*], [], [$1_ARCHIVE=`pwd`/$$1_ARCHIVE])
AS_IF([test -f "$$1_ARCHIVE"], [AC_MSG_RESULT([$$1_ARCHIVE])],
	[AC_MSG_RESULT([no])
	 AC_MSG_ERROR([$2.a is not there: install the static library
(Debian: $2-dev has it), or set $1_ARCHIVE])])
AC_MSG_CHECKING([whether it can be part of a shared library])
uz_save_ldflags=$LDFLAGS
uz_save_libs=$LIBS
uz_save_cflags=$CFLAGS
CFLAGS="$CFLAGS -fPIC"
# hidden, as in the library: its code may refer to itself directly
LDFLAGS="$LDFLAGS -shared -Wl,-z,defs -Wl,-z,text -Wl,--exclude-libs,ALL"
LIBS="$$1_ARCHIVE $LIBS"
AC_LINK_IFELSE([AC_LANG_SOURCE([[
char $3(void);
char uz_probe(void);
char uz_probe(void) { return $3(); }]])],
	[AC_MSG_RESULT([yes])],
	[AC_MSG_RESULT([no])
	 AC_MSG_ERROR([$$1_ARCHIVE was not compiled with -fPIC])])
LDFLAGS=$uz_save_ldflags
LIBS=$uz_save_libs
CFLAGS=$uz_save_cflags
])

# UZ_UNWIND_ARCHIVE
# The unwinder of the compiler's own run-time library, as an archive: sets
# UNWIND_ARCHIVE.  It must find unwind tables without a lock, which takes
# GCC 12 and glibc 2.35.
AC_DEFUN([UZ_UNWIND_ARCHIVE], [
AC_ARG_VAR([UNWIND_ARCHIVE], [path of the static archive of the unwinder])
AC_MSG_CHECKING([for the static archive of libgcc's unwinder])
AS_IF([test -z "$UNWIND_ARCHIVE"],
	[UNWIND_ARCHIVE=`$CC $CFLAGS -print-file-name=libgcc_eh.a`])
AS_IF([test -f "$UNWIND_ARCHIVE"], [AC_MSG_RESULT([$UNWIND_ARCHIVE])],
	[AC_MSG_RESULT([no])
	 AC_MSG_ERROR([libgcc_eh.a is not there: it comes with gcc])])
AC_MSG_CHECKING([whether unwinding takes no lock])
uz_save_ldflags=$LDFLAGS
uz_save_libs=$LIBS
uz_save_cflags=$CFLAGS
CFLAGS="$CFLAGS -fPIC"
LDFLAGS="$LDFLAGS -shared -Wl,-z,defs -Wl,-z,text"
LIBS="$UNWIND_ARCHIVE $LIBS"
AC_LINK_IFELSE([AC_LANG_SOURCE([[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unwind.h>
int uz_probe(_Unwind_Trace_Fn fn, struct dl_find_object *o);
int uz_probe(_Unwind_Trace_Fn fn, struct dl_find_object *o)
{ return _Unwind_Backtrace(fn, 0) + _dl_find_object((void *)fn, o); }]])],
	[AC_MSG_RESULT([yes])],
	[AC_MSG_RESULT([no])
	 AC_MSG_ERROR([GCC 12 and glibc 2.35 or later are needed])])
CFLAGS=$uz_save_cflags
LDFLAGS=$uz_save_ldflags
LIBS=$uz_save_libs
])
