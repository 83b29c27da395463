/* What the formats that we write row by row have in common: the statement around the caller's own,
 * and the walk over its result. */
#pragma once

#include "duck/stream.h"
#include "query/formats.h"

#include <glib.h>
#include <stdbool.h>

/* "FROM (…) AS q(c0, c1, …) ", after which comes SELECT: names of columns may repeat or be odd. */
GString *rows_statement(const struct query_job *job);

/* " LIMIT …", one more than the caller's, which tells whether there are more. Nothing without a
 * limit: the limit would keep DuckDB from using its threads. */
void rows_append_limit(GString *sql, const struct query_job *job);

/* Writes one row; data is what rows_write_all() was given for it. */
typedef bool rows_write(const struct query_job *job, struct duck_stream *stream, size_t row,
			const void *data, GError **error);

/* Runs the statement and writes its rows, up to the limit; counts them in the summary. */
bool rows_write_all(struct query_job *job, const char *sql, rows_write *write, const void *data,
		    GError **error);
