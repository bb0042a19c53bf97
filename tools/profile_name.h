/* SPDX-License-Identifier: MIT */
/*
 * What to call a frame and a call site: names for people, short enough for a
 * line, beginning where they say whose memory it is.
 */
#ifndef UZ_TOOLS_PROFILE_NAME_H
#define UZ_TOOLS_PROFILE_NAME_H

#include "profile.h"

#define PROFILE_NAME_LEN	160	/* enough for a line */

/* The function a frame is in, by its best name; LEN bytes at BUF. */
const char *profile_frame_name(const struct profile *p, uint32_t frame,
			       char *buf, size_t len);

/*
 * A function without template arguments, return type, parameters and what
 * compilers append: "void a::b::C<int>::f<d>(int)" -> "a::b::C::f",
 * "list_resize.lto_priv.0" -> "list_resize".
 */
void profile_bare_name(char *buf, size_t len, const char *function);

/*
 * Index in the stack of S of the frame that says most: what called the
 * allocator, be it malloc or one that the program or its runtime has above.
 */
uint32_t profile_inner(const struct profile *p, const struct profile_site *s);

/* "grow table.c:88 <- insert <- main  [worker]" */
void profile_site_name(const struct profile *p, const struct profile_site *s,
		       char *buf, size_t len);

/*
 * The first caller of S that OTHER has not in its place, from the inside, for
 * two that have the same name; false if no function tells them apart.
 */
bool profile_site_apart(const struct profile *p, const struct profile_site *s,
			const struct profile_site *other, char *buf,
			size_t len);

#endif
