/* The SQL of a query, from one of three places. */
#include "cli/query_text.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

#include <unistd.h>

enum { LONGEST_INPUT = 16 * 1024 * 1024 };

static char *read_stdin(GError **error)
{
	size_t size;
	g_autoptr(GError) problem = NULL;
	g_autofree char *text = files_read_stream(STDIN_FILENO, "standard input", LONGEST_INPUT,
						  &size, error);
	if (!text)
		return NULL;
	g_autoptr(json_t) input = json_parse(text, size, "standard input", &problem);
	const char *sql = json_string_value(json_object_get(input, "sql"));
	const json_t *others = json_object_get(input, "register_bq");
	if (!sql)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "failed to parse stdin JSON: %s",
			    problem ? problem->message : "there is no text under \"sql\"");
	else if (json_object_size(others) > 0)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
				    "this da cannot run queries in BigQuery (register_bq)");
	else
		return g_strdup(sql);
	return NULL;
}

char *query_text(const struct invocation *invocation, GError **error)
{
	const char *argument = invocation_text(invocation, "SQL");
	const char *option = invocation_text(invocation, "sql");
	bool from_stdin = invocation_flag(invocation, "stdin");
	int given = (argument ? 1 : 0) + (option ? 1 : 0) + (from_stdin ? 1 : 0);
	if (given != 1) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "%s: give the SQL as an argument, with --sql, or with --stdin",
			    given == 0 ? "there is no query" : "there is more than one query");
		return NULL;
	}
	return from_stdin ? read_stdin(error) : g_strdup(argument ? argument : option);
}
