/*
 * The statistics of a table, measured inside DuckDB on its one parquet file and given as the JSON
 * object that the catalog shows. A large table is judged by a random sample, always the same rows
 * of the same file; its number of rows is exact all the same. A column that cannot be measured has
 * no statistics and spoils no other.
 */
#pragma once

#include "config/config.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The configuration keys profiler.*, where their meaning stands. */
struct profile_limits {
	gint64 sample_size, max_categorical_distinct, top_values, histogram_bins;
	gint64 sample_rows, sample_values, high_cardinality;
	double high_missing_pct, missing_pct, imbalance_pct;
};

void profile_limits_load(struct profile_limits *limits, const struct configuration *config);

/* What to measure, and what is known about it beside the file; NULL texts stand for none. */
struct profile_request {
	const char *path;
	const char *table;
	const char *description, *sync_strategy, *last_sync;
	const char *primary_key; /* names of columns, separated by commas */
	const char *used_by;	 /* a JSON array for `used_by_metrics` */
	bool exact;		 /* every row, however many */
	const struct profile_limits *limits;
	/* For what does not fit into PROFILE_MEMORY_MB; NULL: such a table fails. */
	const char *temp_directory;
};

enum { PROFILE_MEMORY_MB = 4000, PROFILE_THREADS = 2 };

/* The text of the profile. CORRUPT: no parquet file, or a broken one. */
char *profile_compute(const struct profile_request *request, GError **error);

/*
 * The same on a database in memory of the caller's, which is made ready before its settings are
 * locked; `temp_directory` is then that of the database.
 */
bool profile_prepare(struct duck_connection *connection, GError **error);
char *profile_compute_on(struct duck_connection *connection, const struct profile_request *request,
			 GError **error);
