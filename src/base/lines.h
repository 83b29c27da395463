/*
 * Lines from a pipe or socket whose other end is not trusted to be quick, short or well-behaved.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct lines;

struct lines_limits {
	size_t longest;	 /* bytes of one line */
	size_t total;	 /* bytes of all */
	gint64 deadline; /* of all, as g_get_monotonic_time(); 0: none */
};

/* Does not take over `fd`. `what` names the other end in messages. */
struct lines *lines_new(int fd, const struct lines_limits *limits, const char *what);
void lines_free(struct lines *lines);
DEFINE_AUTOPTR(lines)

/*
 * The next line without its newline, valid until the next call; NULL at the end, and with *error
 * set on failure. TIMEOUT and TOO_LARGE: a limit. INVALID: the last line has no newline.
 */
const char *lines_next(struct lines *lines, size_t *size, GError **error);
