/*
 * What a source of data implements: a name, a section of the configuration, and a handful of
 * functions. They run in a process of their own, `agnesd extract`, one connector a process, so
 * they may block; what takes long looks at connector_cancelled() or registers its DuckDB session
 * with connector_watch() (connectors/run.h).
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct connector_run;

/* A registered table. The strings belong to the run; those that may be missing are NULL. */
struct connector_table {
	const char *id, *name, *bucket, *source_table, *source_query, *description;
	const char *query_mode;	   /* never NULL; "local" if the row has none */
	const char *sync_strategy; /* never NULL; "full_refresh" if the row has none */
	const json_t *row;	   /* the whole registry row */
};

/* What became of one table. */
struct connector_outcome {
	int64_t rows;	  /* negative: the writer counts them */
	int64_t rejected; /* rows that could not be read and were set aside */
	bool unchanged;	  /* the last version still holds: nothing was staged */
	char *md5;	  /* of the staged file, if known; g_free() is the run's */
};

struct connector {
	const char *name; /* of the source type, and of the folder below extracts/ */
	const char *summary;
	const char *section; /* of its keys in config/keys.c, such as "local" */
	/*
	 * NULL except for connectors in other languages: does everything without a writer, and
	 * returns the result. Its settings are what stands under its name below "connectors".
	 */
	json_t *(*run_program)(struct connector_run *run, GError **error);
	/*
	 * Produces the tables of the run in its writer, most simply by connector_each_table(). A
	 * table that fails does not fail the others; an error here fails all that were not done by
	 * then.
	 */
	bool (*extract)(struct connector_run *run, GError **error);
	/* An array of what could be registered, as objects with the fields of a registry row. NULL:
	 * cannot. */
	json_t *(*discover)(struct connector_run *run, GError **error);
	/* Whether the source answers and lets us in. NULL: nothing to test. */
	bool (*test)(struct connector_run *run, GError **error);
	/* Writes the result of the table's source_query to a parquet file. NULL: cannot. */
	bool (*materialize)(struct connector_run *run, const struct connector_table *table,
			    const char *path, GError **error);
};
