/*
 * A command of this program that another one keeps running: started again with growing pauses when
 * it ends, and gone when its keeper is. On the main loop's thread.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct supervised;

struct supervised_options {
	const char *name; /* of the command */
	/* It does its work; `where` is what it told. */
	void (*ready)(void *data, const char *where);
	/* It ended without being asked to, with exit code `code` (-1: by a signal), and if `first`
	 * before it was ever ready. Whether it is to be started again. */
	bool (*ended)(void *data, int code, bool first);
	void *data;
};

struct supervised *supervised_new(const struct supervised_options *options);
/* Kills it if it still runs. */
void supervised_free(struct supervised *service);
DEFINE_AUTOPTR(supervised)

/*
 * Starts it with these arguments and environment, which are taken over (NULL-terminated), and with
 * `listener` as descriptor 3 unless that is negative. A failure counts as its end.
 */
void supervised_start(struct supervised *service, char **arguments, char **environment,
		      int listener);
void supervised_signal(struct supervised *service, int signal);
/* Asks it to end, kills it after `milliseconds`. Whether it ended well; true if it did not run. */
bool supervised_stop(struct supervised *service, int milliseconds);
