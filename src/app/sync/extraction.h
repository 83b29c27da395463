/*
 * One extractor: `agnesd extract SOURCE` as a child that is told rows, says how far it is, and is
 * trusted to be neither quick nor short.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

struct extraction {
	const char *data_dir;
	const char *source;
	const char *mode;   /* an option of the command, such as "--materialize"; or NULL */
	const json_t *rows; /* of the registry */
	gint64 deadline;    /* as g_get_monotonic_time() */
	const atomic_bool *cancelled;			/* ends it soon once it is true */
	void (*event)(void *data, const json_t *event); /* see connectors/run.h */
	void *data;
};

struct extraction_end {
	json_t *result; /* the last object or array that is no event, or NULL */
	bool transient; /* of a failure: another try may go better */
};
void extraction_end_clear(struct extraction_end *end);
DEFINE_AUTO(extraction_end)

/*
 * Blocks until it has ended. False: it did not come to a result; TIMEOUT and CANCELLED as they are.
 */
bool extraction_run(const struct extraction *extraction, struct extraction_end *end,
		    GError **error);

/* A new array of registry rows as extractors get them: what is null is left out. */
struct registered_table;
json_t *extraction_row(const struct registered_table *row);
