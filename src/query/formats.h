/* The formats of results. Each writes a statement that the guard has passed, on a connection that
 * belongs to this query; for execute.c. */
#pragma once

#include "query/execute.h"
#include "query/memory.h"

#include <glib.h>
#include <stdbool.h>

struct query_job {
	const struct query_request *request;
	struct duck_connection *connection;
	const char *body;   /* stands in parentheses, a line end after it */
	bool ordered;	    /* it has an ORDER BY */
	GPtrArray *columns; /* struct query_column */
	struct query_output *output;
	struct query_summary *summary;
};

typedef bool query_format_function(struct query_job *job, GError **error);

query_format_function format_json, format_ndjson, format_csv, format_parquet, format_arrow,
	format_sample;
