/* Guard, views, transaction, format; and errors in the words of the caller's own statement. */
#include "query/execute.h"

#include "base/error.h"
#include "duck/columns.h"
#include "duck/sql.h"
#include "query/formats.h"

#include <string.h>

/* Describing the statement, which has been done, shows what is wrong with it. */
static bool format_none(struct query_job *job, GError **error)
{
	return true;
}

static const struct {
	const char *name;
	query_format_function *write;
} formats[] = {
	{"json", format_json},	     {"ndjson", format_ndjson}, {"csv", format_csv},
	{"parquet", format_parquet}, {"arrow", format_arrow},	{"sample", format_sample},
	{"none", format_none},
};

static query_format_function *find_format(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].write;
	}
	return NULL;
}

bool query_format_known(const char *name)
{
	return find_format(name) != NULL;
}

void query_summary_clear(struct query_summary *summary)
{
	g_clear_pointer(&summary->columns, json_decref);
	g_clear_pointer(&summary->rejection, json_decref);
}

/* Binds the caller's own text, so that what is wrong with it is told in its words. */
static bool describe(struct duck_connection *connection, struct query_known *known, GError **error)
{
	g_autoptr(duck_statement) statement = duck_prepare(connection, known->verdict.body, error);
	if (!statement)
		return false;
	if (!duck_statement_is_query(statement)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "the statement is no query");
		return false;
	}
	known->columns_shown = json_array();
	for (size_t i = 0; i < duck_statement_columns(statement); i++) {
		struct query_column *column = g_new0(struct query_column, 1);
		column->name = duck_statement_column_name(statement, i);
		column->type = duck_statement_column_type(statement, i);
		g_ptr_array_add(known->columns, column);
		json_array_append_new(known->columns_shown,
				      json_pack("[s, s]", column->name, column->type));
	}
	return true;
}

/*
 * DuckDB shows the first line of the statement that it ran and a caret below: takes out what we
 * put before the caller's own, from both lines.
 */
static void unwrap_excerpt(GString *message)
{
	static const char label[] = "LINE 1: ";
	static const char *const prefixes[] = {"FROM (", "COPY (FROM ("};
	char *line = strstr(message->str, label);
	if (!line)
		return;
	char *start = line + strlen(label);
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		if (!g_str_has_prefix(start, prefixes[i]))
			continue;
		gssize length = (gssize)strlen(prefixes[i]);
		g_string_erase(message, start - message->str, length);
		const char *next = strchr(start, '\n');
		if (next && strspn(next + 1, " ") >= (size_t)length)
			g_string_erase(message, next + 1 - message->str, length);
		return;
	}
}

/* DuckDB's ways out of a lack of memory are settings, which are fixed here. */
static void replace_advice(GString *message)
{
	const char *advice = strstr(message->str, "\n\nPossible solutions:");
	if (!advice)
		return;
	g_string_truncate(message, (gsize)(advice - message->str));
	g_string_append(message, "; a query may use no more: filter or group before joining and "
				 "sorting, or take fewer columns");
}

/*
 * Whatever is wrong with the statement is the caller's, who is told so by INVALID; limits and what
 * is wrong with us keep their codes.
 */
static enum agnes_error code_for_caller(int code)
{
	switch (code) {
	case AGNES_ERROR_TOO_LARGE:
	case AGNES_ERROR_TIMEOUT:
	case AGNES_ERROR_NO_SPACE:
	case AGNES_ERROR_CORRUPT:
	case AGNES_ERROR_FATAL:
		return (enum agnes_error)code;
	default:
		return AGNES_ERROR_INVALID;
	}
}

/* A failure of DuckDB as the caller shall read it. */
static void explain(const struct query_engine *engine, const GError *cause, GError **error)
{
	if (cause->code == AGNES_ERROR_CANCELLED) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CANCELLED,
				    "Query error: the query was cancelled");
		return;
	}
	g_autofree char *hidden = query_engine_hide_paths(engine, cause->message);
	GString *message = g_string_new("Query error: ");
	g_string_append(message, hidden);
	unwrap_excerpt(message);
	replace_advice(message);
	g_set_error_literal(error, AGNES_ERROR, code_for_caller(cause->code), message->str);
	g_string_free(message, TRUE);
}

static bool run(struct query_engine *engine, const struct query_request *request,
		struct query_known *known, struct query_output *output,
		struct query_summary *summary, GError **error)
{
	struct duck_connection *connection = query_engine_begin(engine, request->id, error);
	if (!connection)
		return false;
	bool done = known->columns_shown || describe(connection, known, error);
	if (done && request->sql)
		query_memory_keep(query_engine_memory(engine), request->sql, known);
	struct query_job job = {.request = request,
				.connection = connection,
				.body = known->verdict.body,
				.ordered = known->verdict.ordered,
				.columns = known->columns,
				.output = output,
				.summary = summary};
	summary->columns = json_incref(known->columns_shown);
	done = done && find_format(request->format)(&job, error);
	query_engine_end(engine, connection);
	return done;
}

/* The names of the table's columns, by its view. */
static char **list_columns(struct query_engine *engine, int64_t id, const char *table,
			   GError **error)
{
	g_autoptr(GError) cause = NULL;
	struct duck_connection *connection = query_engine_begin(engine, id, error);
	if (!connection)
		return NULL;
	g_autofree char *sql = duck_sql("FROM %I", table);
	g_autoptr(duck_statement) statement = duck_prepare(connection, sql, &cause);
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	for (size_t i = 0; statement && i < duck_statement_columns(statement); i++) {
		g_autofree char *name = duck_statement_column_name(statement, i);
		g_strv_builder_add(names, name);
	}
	query_engine_end(engine, connection);
	if (statement)
		return g_strv_builder_end(names);
	explain(engine, cause, error);
	return NULL;
}

static bool check_scan(struct query_engine *engine, const struct query_request *request,
		       struct query_verdict *verdict, json_t **rejection, GError **error)
{
	struct query_table *table = query_tables_find(query_engine_tables(engine),
						      request->scan->table);
	if (!table || table->problem || table->elsewhere) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND, "%s",
			    table && table->problem ? table->problem : "table not found");
		return false;
	}
	g_autoptr(GPtrArray) tables = g_ptr_array_new();
	g_ptr_array_add(tables, table);
	g_auto(GStrv)
		columns = query_engine_show(engine, tables, error)
				  ? list_columns(engine, request->id, request->scan->table, error)
				  : NULL;
	return columns && query_scan_build(query_engine_guard(engine), request->scan,
					   (const char *const *)columns, verdict, rejection, error);
}

/* The statement as the guard has passed it, now or before. */
static struct query_known *check(struct query_engine *engine, const struct query_request *request,
				 json_t **rejection, GError **error)
{
	g_autoptr(query_known)
		known = request->scan
				? NULL
				: query_memory_recall(query_engine_memory(engine), request->sql);
	if (known)
		return g_steal_pointer(&known);
	known = query_known_new();
	bool passed = request->scan
			      ? check_scan(engine, request, &known->verdict, rejection, error)
			      : query_guard_check(query_engine_guard(engine), request->sql,
						  &known->verdict, error) &&
					query_engine_show(engine, known->verdict.tables, error);
	return passed ? g_steal_pointer(&known) : NULL;
}

bool query_execute(struct query_engine *engine, const struct query_request *request,
		   struct query_output *output, struct query_summary *summary, GError **error)
{
	g_autoptr(GError) cause = NULL;
	if (request->limit < QUERY_NO_ROWS) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "Query error: the limit must not be negative, and is %" G_GINT64_FORMAT,
			    request->limit);
		return false;
	}
	if (!find_format(request->format)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "Query error: there is no format '%s'", request->format);
		return false;
	}
	g_autoptr(query_known) known = check(engine, request, &summary->rejection, error);
	if (!known)
		return false;
	if (run(engine, request, known, output, summary, &cause))
		return true;
	explain(engine, cause, error);
	return false;
}
