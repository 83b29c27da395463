/*
 * A child process that is run to its end while somebody listens to what it says, and that is
 * trusted to be neither short nor quick: its output has limits, its time has one, and it ends when
 * nobody wants it any more.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct listener_options {
	const char *what;		/* for messages: "the connector" */
	const char *program;		/* a path */
	const char *const *argv;	/* from argv[0], NULL-terminated */
	const char *const *environment; /* NAME=VALUE, NULL-terminated */
	int input;			/* its standard input, or PROCESS_NO_DESCRIPTOR */
	const int *more;		/* its descriptors from 3 on */
	size_t more_count;
	int life; /* a descriptor that is taken over and closed before it is stopped, or -1 */
	size_t longest_line;   /* bytes of a line of its output */
	size_t most_output;    /* of all lines */
	gint64 deadline;       /* as g_get_monotonic_time() */
	int stop_milliseconds; /* from being asked to end to being killed */
	/* Each whole line of its output, without the newline. Never NULL. */
	void (*line)(void *data, const char *text, size_t size);
	/* Asked now and then, about twice a second: false, with *error set, ends the child. */
	bool (*go_on)(void *data, GError **error);
	void *data;
};

/* How it ended. */
struct listener_end {
	int status;	 /* see process_check_status() */
	char *complaint; /* the end of what it wrote to standard error; never NULL */
};
void listener_end_clear(struct listener_end *end);
DEFINE_AUTO(listener_end)

/*
 * Blocks until the child has ended by itself; what it left running in its group is killed then.
 * Otherwise it is stopped, with its group: TIMEOUT at the deadline, TOO_LARGE when it says more
 * than it may, and whatever go_on() says.
 */
bool listener_run(const struct listener_options *options, struct listener_end *end, GError **error);
