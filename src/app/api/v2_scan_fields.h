/* The body of the two scan endpoints. What is wrong with it is told in a text, not by a 422. */
#pragma once

#include "http/request.h"

#include <jansson.h>
#include <stdint.h>

struct scan_fields {
	const char *table_id;
	const char *where;		 /* NULL or "": none */
	const json_t *select, *order_by; /* arrays of strings or NULL */
	int64_t limit;			 /* -1: none */
};

/* Takes the fields, which stay the request's. What is wrong with them, or NULL; g_free() it. */
char *scan_fields_take(const struct http_request *request, struct scan_fields *fields);
