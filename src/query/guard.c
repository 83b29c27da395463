/* Parsing a statement by DuckDB, and what can be said of it as a whole. */
#include "query/guard.h"

#include "base/error.h"
#include "base/json.h"
#include "duck/query.h"
#include "query/guard_walk.h"

#include <string.h>

struct query_guard {
	struct duck_connection *connection;
	struct duck_statement *serialize;
	const struct query_tables *tables;
};

void query_verdict_clear(struct query_verdict *verdict)
{
	g_clear_pointer(&verdict->tables, g_ptr_array_unref);
	g_clear_pointer(&verdict->body, g_free);
}

struct query_guard *query_guard_new(struct duck_database *database,
				    const struct query_tables *tables, GError **error)
{
	g_autoptr(query_guard) guard = g_new0(struct query_guard, 1);
	guard->tables = tables;
	guard->connection = duck_connect(database, error);
	if (!guard->connection)
		return NULL;
	guard->serialize = duck_prepare(guard->connection,
					"SELECT json_serialize_sql(?::VARCHAR, skip_null := true, "
					"skip_empty := true, skip_default := true)::VARCHAR",
					error);
	return guard->serialize ? g_steal_pointer(&guard) : NULL;
}

void query_guard_free(struct query_guard *guard)
{
	if (!guard)
		return;
	duck_statement_free(guard->serialize);
	duck_connection_free(guard->connection);
	g_free(guard);
}

/* What the statement's first word says that could be done instead: for the message alone. */
static const struct {
	const char *word;
	const char *hint;
} hints[] = {
	{"PIVOT", "PIVOT needs its values listed: PIVOT t ON column IN (value, …) USING …"},
	{"COPY", "to get a file, ask for the result as CSV, Parquet or Arrow"},
	{"EXPORT", "to get a file, ask for the result as CSV, Parquet or Arrow"},
	{"EXPLAIN", "EXPLAIN is not available"},
	{"SET", "settings are fixed; for a time zone use AT TIME ZONE"},
	{"PRAGMA", "settings are fixed; DESCRIBE a table for its columns"},
	{"CREATE", "tables are read-only; WITH name AS (…) names an intermediate result"},
	{"INSERT", "tables are read-only"},
	{"UPDATE", "tables are read-only"},
	{"DELETE", "tables are read-only"},
	{"DROP", "tables are read-only"},
	{"ALTER", "tables are read-only"},
};

static const char *skip_comment(const char *at)
{
	const char *end = NULL;
	if (g_str_has_prefix(at, "--"))
		end = strchr(at, '\n');
	else if (g_str_has_prefix(at, "/*") && (end = strstr(at + 2, "*/")))
		end++;
	else
		return at;
	return end ? end + 1 : at + strlen(at);
}

static const char *hint_for(const char *sql)
{
	for (const char *last = NULL; last != sql;) {
		last = sql;
		sql += strspn(sql, " \t\r\n;(");
		sql = skip_comment(sql);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(hints); i++) {
		size_t length = strlen(hints[i].word);
		if (g_ascii_strncasecmp(sql, hints[i].word, length) == 0 &&
		    !g_ascii_isalnum(sql[length]))
			return hints[i].hint;
	}
	return "SELECT, FROM, VALUES, DESCRIBE, SUMMARIZE and PIVOT … IN (…) are";
}

static bool refuse(GError **error, const char *why)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s: %s", GUARD_NOT_SELECT, why);
	return false;
}

/* DuckDB's own report of a statement that it could not parse or that is no SELECT. */
static bool refuse_unparsed(const json_t *report, const char *sql, GError **error)
{
	const char *type = "", *message = "", *position = NULL;
	json_unpack((json_t *)report, "{s?s s?s s?s}", "error_type", &type, "error_message",
		    &message, "position", &position);
	if (strstr(message, "Only SELECT statements can be serialized"))
		return refuse(error, hint_for(sql));
	g_autofree char *where = guard_position(sql,
						position ? g_ascii_strtod(position, NULL) : -1);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "Query error: %s%s: %s%s", type,
		    strcmp(type, "parser") == 0 ? " error" : "", message, where);
	return false;
}

bool query_guard_check_length(const char *sql, GError **error)
{
	if (strlen(sql) <= GUARD_LONGEST_STATEMENT)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "Query error: the statement is longer than %d KiB",
		    GUARD_LONGEST_STATEMENT / 1024);
	return false;
}

json_t *query_guard_parse(struct query_guard *guard, const char *sql, GError **error)
{
	g_autoptr(GError) cause = NULL;
	if (!query_guard_check_length(sql, error))
		return NULL;
	g_autoptr(duck_rows) rows = duck_statement_query(guard->serialize, &cause, "s", sql);
	if (!rows) {
		g_set_error(error, cause->domain, cause->code, "Query error: %s", cause->message);
		return NULL;
	}
	const char *text = duck_rows_next(rows) ? duck_rows_text(rows, 0) : NULL;
	json_error_t problem;
	/* As reals, because constants may be integers beyond 64 bits. */
	json_t *tree = json_loads(text ? text : "", JSON_DECODE_INT_AS_REAL, &problem);
	if (!tree)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
				    "Query error: the statement is nested too deeply, or holds a "
				    "constant that cannot be written as JSON");
	return tree;
}

/* The one statement's query node. */
static const json_t *only_node(const json_t *tree, const char *sql, GError **error)
{
	const json_t *statements = json_object_get(tree, "statements");
	if (json_is_true(json_object_get(tree, "error"))) {
		refuse_unparsed(tree, sql, error);
		return NULL;
	}
	if (json_array_size(statements) != 1) {
		refuse(error, json_array_size(statements) == 0
				      ? "the statement is empty"
				      : "there is more than one statement");
		return NULL;
	}
	return json_object_get(json_array_get(statements, 0), "node");
}

/* DuckDB's own writing of the tree: without comments, semicolons or line ends. */
static char *rewrite(struct query_guard *guard, const char *sql, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		guard->connection, error,
		"SELECT json_deserialize_sql(json_serialize_sql(?::VARCHAR))::VARCHAR", "s", sql);
	if (!rows || !duck_rows_next(rows))
		return NULL;
	return g_strdup(duck_rows_text(rows, 0));
}

/*
 * The statement without what would not be legal between parentheses: its closing semicolons. When
 * one stands before a comment, DuckDB writes the statement anew; a semicolon in a literal or a
 * comment is none, which parsing it in parentheses shows. (A line end follows the body, so that a
 * comment at its end closes nothing.)
 */
static char *make_body(struct query_guard *guard, const char *sql, GError **error)
{
	size_t length = strlen(sql);
	while (length > 0 && strchr(" \t\r\n;", sql[length - 1]))
		length--;
	g_autofree char *body = g_strndup(sql, length);
	if (!strchr(body, ';'))
		return g_steal_pointer(&body);
	g_autofree char *wrapped = g_strdup_printf("FROM (%s\n)", body);
	g_autoptr(json_t) tree = query_guard_parse(guard, wrapped, NULL);
	if (tree && json_array_size(json_object_get(tree, "statements")) == 1)
		return g_steal_pointer(&body);
	return rewrite(guard, sql, error);
}

bool query_guard_check(struct query_guard *guard, const char *sql, struct query_verdict *verdict,
		       GError **error)
{
	query_verdict_clear(verdict);
	g_autoptr(json_t) tree = query_guard_parse(guard, sql, error);
	const json_t *node = tree ? only_node(tree, sql, error) : NULL;
	g_autoptr(GPtrArray) used = g_ptr_array_new();
	struct guard_findings findings = {.used = used};
	if (!node || !guard_walk(node, sql, guard->tables, &findings, error))
		return false;
	verdict->body = make_body(guard, sql, error);
	if (!verdict->body)
		return false;
	verdict->tables = g_steal_pointer(&used);
	verdict->ordered = findings.ordered;
	return true;
}
