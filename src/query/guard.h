/*
 * The inspection of one statement, inside the worker. DuckDB parses it; the guard walks the tree
 * and never reads the text, except to choose a hint. It exists for good messages and to save work:
 * what keeps other data out is that the worker cannot open it.
 *
 * Messages are for the caller, whole: "Only single SELECT queries are allowed: …" (INVALID),
 * "Access denied to table '…'" (DENIED, the same for tables that do not exist), "Query error: …"
 * (INVALID, TOO_LARGE), each with line and column where they are known. UNSUPPORTED: a table is
 * elsewhere, see query/tables.h.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"
#include "query/tables.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* Longest statement, in bytes: parsing and planning cost more than linearly and cannot be
 * interrupted. */
enum { GUARD_LONGEST_STATEMENT = 256 * 1024 };

/* TOO_LARGE: it is longer than that. */
bool query_guard_check_length(const char *sql, GError **error);

struct query_guard;

/* What a statement that passed is made of. */
struct query_verdict {
	GPtrArray *tables; /* struct query_table, each once; they belong to the guard's tables */
	char *body;	   /* the statement in a form that may stand in parentheses */
	bool ordered;	   /* there is an ORDER BY in it, at whatever depth */
};
void query_verdict_clear(struct query_verdict *verdict);
DEFINE_AUTO(query_verdict)

/* Keeps a connection of its own. `tables` must live as long. */
struct query_guard *query_guard_new(struct duck_database *database,
				    const struct query_tables *tables, GError **error);
void query_guard_free(struct query_guard *guard);
DEFINE_AUTOPTR(query_guard)

/* `verdict` is cleared first. On failure it is empty. */
bool query_guard_check(struct query_guard *guard, const char *sql, struct query_verdict *verdict,
		       GError **error);

/*
 * What json_serialize_sql() makes of the text, numbers as reals: of whatever it is, also an
 * {"error": true, …}. NULL: too long, too deep, or DuckDB failed.
 */
json_t *query_guard_parse(struct query_guard *guard, const char *sql, GError **error);
