/* A scan: a statement over one table that is given as fields instead of SQL. */
#pragma once

#include "query/guard.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * From {"table", "alias", "select": […], "where", "order_by": […], "limit"}, which it borrows:
 * `table` is the view's name and `alias` what the predicate may qualify columns with; the others
 * may be null.
 */
struct query_scan {
	const char *table, *alias, *where;
	const json_t *select, *order_by; /* arrays of strings or NULL */
	int64_t limit;			 /* negative: none */
};
bool query_scan_unpack(const json_t *json, struct query_scan *scan, GError **error);

/*
 * The statement, checked as the guard checks one: `columns` are the table's names, in order.
 * INVALID: the message says which field is wrong; where it is the predicate, *rejection is what
 * predicate_check() says.
 */
bool query_scan_build(struct query_guard *guard, const struct query_scan *scan,
		      const char *const *columns, struct query_verdict *verdict, json_t **rejection,
		      GError **error);
