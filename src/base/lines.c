/* Buffered lines with limits. */
#include "base/lines.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum { READ_STEP = 64 * 1024 };

struct lines {
	int fd;
	struct lines_limits limits;
	char *what;
	GByteArray *buffer;
	guint start; /* of the next line */
	size_t total;
};

struct lines *lines_new(int fd, const struct lines_limits *limits, const char *what)
{
	struct lines *lines = g_new0(struct lines, 1);
	lines->fd = fd;
	lines->limits = *limits;
	lines->what = g_strdup(what);
	lines->buffer = g_byte_array_sized_new(READ_STEP);
	return lines;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	g_byte_array_unref(lines->buffer);
	g_free(lines->what);
	g_free(lines);
}

static bool wait_readable(struct lines *lines, GError **error)
{
	struct pollfd end = {.fd = lines->fd, .events = POLLIN};
	for (;;) {
		gint64 left = lines->limits.deadline - g_get_monotonic_time();
		int milliseconds = lines->limits.deadline == 0
					   ? -1
					   : (int)CLAMP(left / 1000, 0, G_MAXINT);
		int ready = poll(&end, 1, milliseconds);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR) {
			agnes_set_errno(error, errno, "cannot wait for %s", lines->what);
			return false;
		}
		if (ready == 0 && left <= 0) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT,
				    "%s did not finish in time", lines->what);
			return false;
		}
	}
}

/* Reads once; *end tells the end of the input. */
static bool fill(struct lines *lines, bool *end, GError **error)
{
	guint8 step[READ_STEP];
	if (!wait_readable(lines, error))
		return false;
	ssize_t got = read(lines->fd, step, sizeof step);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got < 0) {
		agnes_set_errno(error, errno, "cannot read from %s", lines->what);
		return false;
	}
	*end = got == 0;
	lines->total += (size_t)got;
	g_byte_array_append(lines->buffer, step, (guint)got);
	if (lines->total <= lines->limits.total &&
	    lines->buffer->len <= lines->limits.longest + READ_STEP)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE, "%s says more than it may",
		    lines->what);
	return false;
}

/* Gives back the space of the lines that were handed out. */
static void compact(struct lines *lines)
{
	if (lines->start == 0)
		return;
	g_byte_array_remove_range(lines->buffer, 0, lines->start);
	lines->start = 0;
}

const char *lines_next(struct lines *lines, size_t *size, GError **error)
{
	guint searched = 0;
	for (;;) {
		guint8 *at = lines->buffer->data + lines->start;
		guint length = lines->buffer->len - lines->start;
		guint8 *newline = length > searched ? memchr(at + searched, '\n', length - searched)
						    : NULL;
		if (newline && (size_t)(newline - at) <= lines->limits.longest) {
			*newline = '\0';
			*size = (size_t)(newline - at);
			lines->start += (guint)*size + 1;
			return (const char *)at;
		}
		if (newline || length > lines->limits.longest) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
				    "a line from %s is longer than %zu bytes", lines->what,
				    lines->limits.longest);
			return NULL;
		}
		searched = length;
		compact(lines);
		bool end = false;
		if (!fill(lines, &end, error))
			return NULL;
		if (end && lines->buffer->len > 0)
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "%s stopped in the middle of a line", lines->what);
		if (end)
			return NULL;
	}
}
