/*
 * DuckDB says how many statements a text has, but not where they begin. So each semicolon is tried,
 * from the end: one that stands in a string or a comment does not leave two texts that parse.
 */
#include "duck/statements.h"

#include "base/error.h"
#include "duck/private.h"

#include <string.h>

enum { MOST_TRIES = 1000 };

/* -1, with *error set: it cannot be parsed. */
static int64_t count(struct duck_connection *connection, const char *sql, GError **error)
{
	duckdb_extracted_statements statements;
	idx_t found = duckdb_extract_statements(connection->handle, sql, &statements);
	const char *problem = found == 0 ? duckdb_extract_statements_error(statements) : NULL;
	if (problem && *problem)
		duck_set_error(error, problem);
	int64_t result = problem && *problem ? -1 : (int64_t)found;
	duckdb_destroy_extracted(&statements);
	return result;
}

static char *last_semicolon(const char *text, size_t size)
{
	return memrchr(text, ';', size);
}

bool duck_statements_split(struct duck_connection *connection, const char *sql, char **before,
			   char **last, GError **error)
{
	g_autofree char *text = g_strdup(sql);
	int64_t all = count(connection, text, error);
	if (all < 0)
		return false;
	if (all == 0) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "there is no statement");
		return false;
	}
	char *at = last_semicolon(text, strlen(text));
	for (int tries = 0; at && tries < MOST_TRIES; tries++) {
		g_autofree char *head = g_strndup(text, (size_t)(at - text));
		int64_t after = count(connection, at + 1, NULL);
		if (after == 1 && count(connection, head, NULL) == all - 1) {
			*last = g_strdup(at + 1);
			*before = g_steal_pointer(&head);
			return true;
		}
		if (after == 0 && count(connection, head, NULL) == all)
			*at = '\0';
		at = last_semicolon(text, (size_t)(at - text));
	}
	*before = g_strdup("");
	*last = g_steal_pointer(&text);
	return true;
}
