/*
 * The server's side of queries: a small number of warm workers for each source that is in use, one
 * query at a time in each, the least recently used source's worker first to go; a queue in front;
 * cancelling by id. Written for threads that may block: a query takes one from query_pool_start()
 * to query_run_free().
 */
#pragma once

#include "base/cleanup.h"
#include "query/child.h"
#include "query/source.h"

#include <glib.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query_pool;
struct query_run;

struct query_pool_options {
	struct query_child_options child;
	unsigned workers;	   /* most processes */
	unsigned workers_a_source; /* most of them for one source */
	unsigned running_a_user;   /* most queries of one user at a time; the rest wait */
	unsigned queued;	   /* most that wait; above that they are refused */
	unsigned queued_a_user;
	unsigned queue_seconds; /* longest wait */
};

/* `options` and what it points to must live as long as the pool. The process ignores SIGPIPE. */
struct query_pool *query_pool_new(const struct query_pool_options *options, GError **error);
/* Cancels what runs and waits until its threads have freed it; none may be started any more. */
void query_pool_free(struct query_pool *pool);
DEFINE_AUTOPTR(query_pool)

struct query_pool_request {
	const char *id;		/* names the query among those of the user */
	const char *user;	/* who is charged for it */
	atomic_bool *abandoned; /* for query_pool_abandon(), lives as long; may be NULL */
	const char *sql;	/* of a scan: what it is called in the report */
	const json_t *scan;	/* instead of sql, see query/scan.h; else NULL */
	json_t **rejection;	/* set when the scan's predicate is refused; may be NULL */
	const char *format;	/* see query_format_known() */
	int64_t limit;		/* as in struct query_request */
	uint64_t most_bytes;	/* of the result; more is an error. 0: no limit */
	uint64_t cut_bytes;	/* more is left out, but not of Parquet */
	unsigned milliseconds;	/* that the worker may take, waiting for the reader not counted */
	unsigned cpu_seconds;	/* that it may compute, all threads together */
};

/*
 * Waits for a worker, starts the query and waits for the result's first part. A failure up to there
 * is told here, later ones by query_run_read(). Errors are whole messages for the caller. BUSY: too
 * many queries, try later; CONFLICT: a query with this id runs; DENIED, INVALID, TOO_LARGE: see
 * query/guard.h; TIMEOUT; CANCELLED; FAILED: the worker died.
 */
struct query_run *query_pool_start(struct query_pool *pool, struct query_source *source,
				   const struct query_pool_request *request, GError **error);

/* The next bytes of the result; 0 at its end, -1 on failure: then what came before is incomplete.
 */
gssize query_run_read(struct query_run *run, void *data, size_t size, GError **error);

/* Whether all of the result is here: how many bytes are left to read. False: more will come. */
bool query_run_is_complete(const struct query_run *run, size_t *left);

/* Once the result is complete: {"rows", "truncated", "cut", "columns": [[name, type], …]}. */
const json_t *query_run_summary(const struct query_run *run);

/* Cancels the query if it still runs. */
void query_run_free(struct query_run *run);
DEFINE_AUTOPTR(query_run)

/* Stops a query, whatever it waits for; without a user that of everybody with this id. NOT_FOUND.
 */
bool query_pool_cancel(struct query_pool *pool, const char *id, const char *user, GError **error);

/* Stops the query that was or will be started with this flag, because nobody waits for it. */
void query_pool_abandon(struct query_pool *pool, atomic_bool *abandoned);

/* {"queries": [{"id", "user", "state", "sql", "format", "milliseconds"}],
 *  "workers": [{"pid", "edition", "tables", "state", "queries"}]} */
json_t *query_pool_report(struct query_pool *pool);

/* From now on this is the present edition of the source: workers of others go, idle ones at once.
 */
void query_pool_retire(struct query_pool *pool, const char *key, const char *edition);
/* The same with all sources that are of less age. */
void query_pool_retire_before(struct query_pool *pool, uint64_t age);
