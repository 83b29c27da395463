/* One query from its text to the bytes of its result. */
#pragma once

#include "base/cleanup.h"
#include "query/engine.h"
#include "query/output.h"
#include "query/scan.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define QUERY_NO_LIMIT INT64_MAX
#define QUERY_NO_ROWS  (-1) /* nor a look whether there are any: the result counts as truncated */

struct query_request {
	int64_t id;
	const char *sql;
	const struct query_scan *scan; /* instead of sql; else NULL */
	const char *format;	       /* a name of query_format_known() */
	int64_t limit; /* rows, QUERY_NO_ROWS, or QUERY_NO_LIMIT, faster than a large limit */
	/* Arrow: stop before the batch that would pass this; texts: after the row that reaches it.
	 * 0: no such limit. */
	uint64_t cut_bytes;
};

struct query_summary {
	int64_t rows;
	bool truncated;	 /* there were more; Parquet and Arrow: as many as the limit, maybe more */
	bool cut;	 /* by cut_bytes */
	json_t *columns; /* [[name, type], …] */
	json_t *rejection; /* after a failure, why a scan's predicate is refused; else NULL */
};
void query_summary_clear(struct query_summary *summary);
DEFINE_AUTO(query_summary)

/* "json", "ndjson", "csv", "parquet", "arrow"; "sample", an array of objects with cells of their
 * own; "none", which only checks the statement. */
bool query_format_known(const char *name);

/* How a worker runs a query: query_execute(), or what a test puts in its place. */
typedef bool query_execute_function(struct query_engine *engine,
				    const struct query_request *request,
				    struct query_output *output, struct query_summary *summary,
				    GError **error);

/* Messages are for the caller; see query/guard.h. */
query_execute_function query_execute;
