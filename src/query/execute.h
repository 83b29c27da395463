/* One query from its text to the bytes of its result. */
#pragma once

#include "base/cleanup.h"
#include "query/engine.h"
#include "query/output.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define QUERY_NO_LIMIT INT64_MAX

struct query_request {
	int64_t id;
	const char *sql;
	const char *format; /* a name of query_format_known() */
	int64_t limit;	    /* rows, or QUERY_NO_LIMIT, which is faster than a large limit */
	uint64_t
		cut_bytes; /* Arrow: stop before the batch that would pass this; 0: no such limit */
};

struct query_summary {
	int64_t rows;
	bool truncated;	 /* there were more; Parquet and Arrow: as many as the limit, maybe more */
	json_t *columns; /* [[name, type], …] */
};
void query_summary_clear(struct query_summary *summary);
DEFINE_AUTO(query_summary)

/* "json", "ndjson", "csv", "parquet", "arrow". */
bool query_format_known(const char *name);

/* How a worker runs a query: query_execute(), or what a test puts in its place. */
typedef bool query_execute_function(struct query_engine *engine,
				    const struct query_request *request,
				    struct query_output *output, struct query_summary *summary,
				    GError **error);

/* Messages are for the caller; see query/guard.h. */
query_execute_function query_execute;
