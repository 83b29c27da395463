/* The part of da query that da-engine does: SQL over the workspace. */
#include "duck/query.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/engine/jobs.h"
#include "cli/engine/local.h"
#include "cli/engine/result.h"
#include "cli/output.h"
#include "cli/query_text.h"
#include "duck/sql.h"
#include "duck/statements.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What DuckDB writes itself; it calls NDJSON JSON. */
static const struct {
	const char *name, *options;
} file_formats[] = {
	{"parquet", "FORMAT parquet"},
	{"csv", "FORMAT csv, HEADER true"},
	{"ndjson", "FORMAT json"},
	{"json", "FORMAT json, ARRAY true"},
};

struct question {
	struct invocation *invocation;
	struct duck_connection *connection;
	char *sql; /* the last statement */
	const char *format;
};

static const char *options_of(const char *format)
{
	for (size_t i = 0; i < G_N_ELEMENTS(file_formats); i++) {
		if (strcmp(file_formats[i].name, format) == 0)
			return file_formats[i].options;
	}
	return NULL;
}

/* A file is for all rows, unless a limit was asked for. */
static bool copy_to(const struct question *question, const char *path, GError **error)
{
	gint64 limit = invocation_integer(question->invocation, "limit");
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	g_autofree char *last = invocation_given(question->invocation, "limit")
					? duck_sql("LIMIT %l", limit)
					: g_strdup("");
	g_autofree char *sql = duck_sql("COPY (FROM (%S\n) %S) TO %L (%S, USE_TMP_FILE false)",
					question->sql, last, part, options_of(question->format));
	bool done = duck_exec(question->connection, error, sql, NULL) &&
		    files_publish(part, path, error);
	if (!done)
		unlink(part);
	return done;
}

static bool write_table(const struct question *question, FILE *out, GError **error)
{
	enum rows_format format = rows_parse_format(question->format);
	bool as_text = format == ROWS_TABLE || format == ROWS_CSV;
	g_autoptr(result) result = result_open(question->connection, question->sql,
					       invocation_integer(question->invocation, "limit"),
					       as_text, error);
	return result && result_write(result, format, out, error);
}

static bool write_table_to(const struct question *question, const char *path, GError **error)
{
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	FILE *out = fopen(part, "we");
	if (!out) {
		agnes_set_errno(error, errno, "cannot create %s", part);
		return false;
	}
	bool done = write_table(question, out, error);
	if (fclose(out) != 0 && done) {
		agnes_set_errno(error, errno, "cannot write %s", part);
		done = false;
	}
	done = done && files_publish(part, path, error);
	if (!done)
		unlink(part);
	return done;
}

static bool answer(const struct question *question, GError **error)
{
	const char *path = invocation_text(question->invocation, "output");
	if (!path)
		return write_table(question, stdout, error);
	return options_of(question->format) ? copy_to(question, path, error)
					    : write_table_to(question, path, error);
}

/* Runs what comes before the last statement. */
static bool prepare(struct question *question, const char *text, GError **error)
{
	g_autofree char *before = NULL;
	return duck_statements_split(question->connection, text, &before, &question->sql, error) &&
	       (!*before || duck_exec(question->connection, error, before, NULL));
}

static int fail(const GError *error)
{
	output_warn("Query error: %s\n", error->message);
	return EXIT_CODE_FAILED;
}

int engine_query(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = query_text(invocation, &error);
	g_autoptr(workspace) workspace = text ? workspace_open(NULL, &error) : NULL;
	if (!workspace)
		return command_fail(error);
	g_autoptr(duck_database) database = local_open(workspace, &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		output_warn("%s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	g_autoptr(duck_connection) connection = database ? duck_connect(database, &error) : NULL;
	if (!connection)
		return fail(error);
	struct question question = {.invocation = invocation,
				    .connection = connection,
				    .format = invocation_text(invocation, "format")};
	bool done = prepare(&question, text, &error) && answer(&question, &error);
	g_free(question.sql);
	return done ? EXIT_CODE_OK : fail(error);
}
