/* The SQL by which DuckDB reads files. */
#pragma once

#include "connectors/local/files.h"
#include "connectors/local/options.h"

#include <glib.h>

/* Where DuckDB leaves the lines of CSV files that it could not read; temporary tables. */
#define LOCAL_REJECTS "local_rejects"
#define LOCAL_SCANS   "local_scans"

/* More than so many faults of a file are not told one by one. */
enum { LOCAL_MOST_FAULTS = 100000 };

/*
 * A SELECT of everything in the files, which must all be of one format and compression. With
 * `thorough` the types of JSON are found out from all of it, not from a sample. NULL: the files
 * do not go together.
 */
char *local_reader_sql(const GPtrArray *files, const struct local_options *options, bool thorough,
		       GError **error);
