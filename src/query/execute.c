/* Guard, views, transaction, format; and errors in the words of the caller's own statement. */
#include "query/execute.h"

#include "base/error.h"
#include "duck/columns.h"
#include "duck/sql.h"
#include "query/formats.h"

#include <string.h>

static const struct {
	const char *name;
	query_format_function *write;
} formats[] = {
	{"json", format_json},	     {"ndjson", format_ndjson}, {"csv", format_csv},
	{"parquet", format_parquet}, {"arrow", format_arrow},
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
}

static void column_free(gpointer data)
{
	struct query_column *column = data;
	g_free(column->name);
	g_free(column->type);
	g_free(column);
}

/* Binds the caller's own text, so that what is wrong with it is told in its words. */
static bool describe(struct query_job *job, GError **error)
{
	g_autoptr(duck_statement) statement = duck_prepare(job->connection, job->body, error);
	if (!statement)
		return false;
	if (!duck_statement_is_query(statement)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "the statement is no query");
		return false;
	}
	job->summary->columns = json_array();
	for (size_t i = 0; i < duck_statement_columns(statement); i++) {
		struct query_column *column = g_new0(struct query_column, 1);
		column->name = duck_statement_column_name(statement, i);
		column->type = duck_statement_column_type(statement, i);
		g_ptr_array_add(job->columns, column);
		json_array_append_new(job->summary->columns,
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
	g_set_error_literal(error, AGNES_ERROR, code_for_caller(cause->code), message->str);
	g_string_free(message, TRUE);
}

static bool run(struct query_engine *engine, const struct query_request *request,
		const struct query_verdict *verdict, struct query_output *output,
		struct query_summary *summary, GError **error)
{
	struct duck_connection *connection = query_engine_begin(engine, request->id, error);
	if (!connection)
		return false;
	g_autoptr(GPtrArray) columns = g_ptr_array_new_with_free_func(column_free);
	struct query_job job = {.request = request,
				.connection = connection,
				.body = verdict->body,
				.ordered = verdict->ordered,
				.columns = columns,
				.output = output,
				.summary = summary};
	bool done = describe(&job, error) && find_format(request->format)(&job, error) &&
		    query_output_flush(output, error);
	query_engine_end(engine, connection);
	return done;
}

bool query_execute(struct query_engine *engine, const struct query_request *request,
		   struct query_output *output, struct query_summary *summary, GError **error)
{
	g_auto(query_verdict) verdict = {0};
	g_autoptr(GError) cause = NULL;
	if (!find_format(request->format) || request->limit < 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "Query error: limit %" G_GINT64_FORMAT " or format '%s' is wrong",
			    request->limit, request->format);
		return false;
	}
	if (!query_guard_check(query_engine_guard(engine), request->sql, &verdict, error) ||
	    !query_engine_show(engine, verdict.tables, error))
		return false;
	if (run(engine, request, &verdict, output, summary, &cause))
		return true;
	explain(engine, cause, error);
	return false;
}
