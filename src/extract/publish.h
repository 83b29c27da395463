/*
 * From an extract to published files: a sandboxed child reads the extract (see reader.h), this side
 * checks every word of its answer, links or moves the files into published/<source>/ and writes the
 * index. Whatever goes wrong, what was published before stays in force.
 */
#pragma once

#include "extract/publication.h"

#include <glib.h>
#include <stdbool.h>

/* What reading one extract may use. */
struct publish_limits {
	int memory_mb; /* of DuckDB; the process as a whole gets some multiple */
	int threads;
	int seconds;
	int newest_landlock; /* SANDBOX_ANY_LANDLOCK, but for tests */
};

extern const struct publish_limits publish_default_limits;

struct publish_request {
	const char *data_dir; /* absolute */
	const char *source;   /* a strict name */
	/* Registered queries of which the source's folder holds the result; NULL: none. */
	const char *const *materialized;
	struct published_source *previous; /* what is in force now */
	const struct publish_limits *limits;
	bool again; /* even if the extract looks the same as the last time */
};

/*
 * The source as it is from now on: `previous` itself when nothing had to be done, else a new one.
 * What went wrong is told in ->failures. One process at a time may publish a source, and one
 * thread.
 */
struct published_source *publish_source(const struct publish_request *request);

/*
 * The source as it is when its extract cannot be looked at: `previous` with the reason for a
 * failure; `previous` itself, referenced, when it says the same already.
 */
struct published_source *publish_keep(struct published_source *previous, const char *message);

/*
 * Removes the files of older versions, once that in force has been so for `seconds`: until then
 * somebody may have their paths from analytics/server.duckdb. Readers of ours hold links of their
 * own. Not while the source is published.
 */
void publish_sweep(const char *data_dir, const struct published_source *source, int64_t seconds);

/* published/<source> */
char *publish_folder(const char *data_dir, const char *source);

/* Takes a source out that has no extract any more. */
bool publish_remove(const char *data_dir, const char *source, GError **error);
