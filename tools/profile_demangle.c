/* SPDX-License-Identifier: MIT */
/*
 * C++ names as people write them, without the parameters.
 *
 * libstdc++ knows how.  It is asked if it is there, and zctl does not depend
 * on it: who has a C++ program to look at has it.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

#define OPERATOR	"operator"

typedef char *demangle_fn(const char *name, char *buf, size_t *len,
			  int *status);

static demangle_fn *find(void)
{
	static bool tried;
	static demangle_fn *demangle;
	void *lib;

	if (tried)
		return demangle;
	tried = true;
	lib = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);
	if (lib)
		*(void **)&demangle = dlsym(lib, "__cxa_demangle");
	return demangle;
}

/* "f<g(int)>(char) const" -> "f<g(int)>" */
static void cut_parameters(char *name)
{
	char *end = strrchr(name, ')');
	int depth = 0;

	if (!end || strspn(end + 1, " const&") != strlen(end + 1))
		return;
	for (char *c = end; c > name; c--) {
		depth += (*c == ')') - (*c == '(');
		if (depth)
			continue;
		if ((size_t)(c - name) < strlen(OPERATOR) ||
		    strncmp(c - strlen(OPERATOR), OPERATOR, strlen(OPERATOR)))
			*c = 0;
		return;
	}
}

char *profile_demangle(const char *name)
{
	demangle_fn *demangle = strncmp(name, "_Z", 2) ? NULL : find();
	int status;
	char *text = demangle ? demangle(name, NULL, NULL, &status) : NULL;

	if (!text)
		return strdup(name);
	cut_parameters(text);
	return text;
}
