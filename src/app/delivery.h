/*
 * A caller's query on its way: it is started on a worker, and its result is sent whole when it is
 * short, else relayed while it is made; at its end it is audited. For blocking handlers.
 */
#pragma once

#include "base/cleanup.h"
#include "http/request.h"
#include "http/response.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How a result can be asked for. */
struct delivery_format {
	const char *name; /* see query_format_known() */
	const char *type;
};

/* By ?format=, else by Accept, else `otherwise`. NULL: no such format. */
const struct delivery_format *delivery_format_choose(const struct http_request *request,
						     const char *otherwise);
#define DELIVERY_FORMATS "json, csv, ndjson, parquet or arrow"

struct delivery_wish {
	const char *id;	      /* names the query; NULL: a new one */
	const char *action;   /* for the audit, and what it is about: */
	const char *resource; /* NULL: the id */
	const char *sql;      /* of a scan: what it is called */
	const json_t *scan;   /* see query/scan.h; NULL: a query */
	const char *format;
	int64_t limit;	     /* rows, or QUERY_NO_LIMIT */
	uint64_t most_bytes; /* more is an error; 0: what the configuration allows */
	uint64_t cut_bytes;  /* see struct query_pool_request */
	/* Called once, whatever comes of it, with the bytes of the result; may be NULL. */
	void (*ended)(void *data, uint64_t bytes);
	void *data;
};

/*
 * The answer: the result or why there is none. A result that was cut says so by the header
 * X-Agnes-Truncated, which comes after the body where that was longer than could be waited for.
 */
struct http_response *delivery_send(struct http_request *request, const struct delivery_wish *wish,
				    const char *type);

/* The result itself, for a short one. NULL: *refusal is the answer. */
GBytes *delivery_collect(struct http_request *request, const struct delivery_wish *wish,
			 struct http_response **refusal);
