/*
 * da query: SQL over the tables of the workspace, which is the engine's work (engine/query.c), or
 * with --remote over those of the server.
 */
#include "base/error.h"
#include "base/files.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/query_text.h"
#include "cli/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const size_t longest_result = (size_t)1024 * 1024 * 1024;

/* --- parquet, which the server writes --- */

struct file {
	const char *path;
	FILE *stream;
};

static bool receive(const struct http_reply *reply, const void *data, size_t size, void *receiver,
		    GError **error)
{
	const struct file *file = receiver;
	const char *type = http_reply_header(reply, "Content-Type");
	if (!type || !strstr(type, "parquet")) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
				    "this server cannot send parquet; use csv, json or ndjson");
		return false;
	}
	if (fwrite(data, 1, size, file->stream) == size)
		return true;
	agnes_set_errno(error, errno, "cannot write %s", file->path);
	return false;
}

static int save_parquet(struct invocation *invocation, json_t *body, const struct file *file)
{
	g_autoptr(api_reply) reply = NULL;
	const struct api_call call = {.path = "/api/query?format=parquet",
				      .body = body,
				      .seconds = API_SECONDS_QUERY,
				      .failure = "Query failed",
				      .receive = receive,
				      .receiver = (void *)file};
	return api_ask(invocation, &call, &reply);
}

/* --- the other formats, made of the server's JSON --- */

/* The names of the columns; to be freed with g_strfreev(). */
static char **column_names(struct json_slice result)
{
	struct json_slice names, name;
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	if (json_text_member(result, "columns", &names)) {
		while (json_text_next(&names, &name)) {
			g_autofree char *text = json_text_string(name);
			g_strv_builder_add(builder, text ? text : "");
		}
	}
	return g_strv_builder_end(builder);
}

static bool is_truncated(struct json_slice result)
{
	struct json_slice value;
	return json_text_member(result, "truncated", &value) && value.size > 0 &&
	       *value.text == 't';
}

static int write_rows(struct invocation *invocation, json_t *body, enum rows_format format,
		      FILE *out)
{
	g_autoptr(api_reply) reply = NULL;
	const struct api_call call = {.path = "/api/query",
				      .body = body,
				      .seconds = API_SECONDS_QUERY,
				      .longest = longest_result,
				      .is_large = true,
				      .failure = "Query failed"};
	int code = api_ask(invocation, &call, &reply);
	if (code)
		return code;
	struct json_slice rows = {"[]", 2};
	const struct json_slice result = {reply->body, reply->size};
	g_auto(GStrv) names = column_names(result);
	json_text_member(result, "rows", &rows);
	rows_write_arrays(format, (const char *const *)names, g_strv_length(names), rows, out);
	if (is_truncated(result))
		output_warn("(truncated at %s rows)\n", invocation_text(invocation, "limit"));
	return EXIT_CODE_OK;
}

static int ask(struct invocation *invocation, json_t *body, const struct file *file)
{
	const char *format = invocation_text(invocation, "format");
	if (strcmp(format, "parquet") == 0)
		return save_parquet(invocation, body, file);
	return write_rows(invocation, body, rows_parse_format(format), file->stream);
}

/* To a file beside `path`, which takes its place only when it is whole. */
static int ask_into(struct invocation *invocation, json_t *body, const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *part = g_strconcat(path, ".part", NULL);
	const struct file file = {part, fopen(part, "we")};
	if (!file.stream) {
		agnes_set_errno(&error, errno, "cannot create %s", part);
		return command_fail(error);
	}
	int code = ask(invocation, body, &file);
	bool written = fflush(file.stream) == 0 && !ferror(file.stream);
	if (!code && !written)
		agnes_set_errno(&error, errno, "cannot write %s", part);
	fclose(file.stream);
	if (!code && !error)
		files_publish(part, path, &error);
	if (code || error)
		unlink(part);
	return error ? command_fail(error) : code;
}

static int run(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	const char *output = invocation_text(invocation, "output");
	bool binary = strcmp(invocation_text(invocation, "format"), "parquet") == 0;
	if (binary && !output)
		return command_misuse(invocation, "Parquet goes to a file: name it with --output.");
	if (!invocation_flag(invocation, "remote"))
		return engine_run(invocation);
	g_autofree char *sql = query_text(invocation, &error);
	if (!sql)
		return command_fail(error);
	g_autoptr(json_t) body = json_pack("{ss sI}", "sql", sql, "limit",
					   (json_int_t)invocation_integer(invocation, "limit"));
	if (output)
		return ask_into(invocation, body, output);
	return ask(invocation, body, &(struct file){"standard output", stdout});
}

static const struct argument arguments[] = {
	{"SQL", "The query, unless --sql or --stdin gives it", .optional = true},
	{0},
};

static const struct option options[] = {
	{"sql", 0, OPTION_TEXT, "SQL", "The query"},
	{"stdin", .meaning = "Read {\"sql\": ...} from standard input"},
	{"remote", .meaning = "Ask the server and not the workspace"},
	{"format", 'f', OPTION_TEXT, "FORMAT", "How the result is written",
	 .words = "table json csv ndjson parquet", .fallback = "table"},
	{"output", 'o', OPTION_TEXT, "FILE", "Write the result there; parquet needs it"},
	{"limit", 0, OPTION_INTEGER, "N", "At most so many rows", .fallback = "1000", .least = 1},
	{0},
};

const struct command command_query = {
	"query",
	"Ask a question in SQL",
	.details =
		"The tables are those that 'da sync' brought here, under the names of "
		"'da catalog'; with --remote they are those of the server, which also knows "
		"the ones that stay at their source. The dialect is DuckDB's.\n\n"
		"A table that is too wide for the terminal is shown row by row, a line a column.",
	.examples = "da query \"SELECT region, sum(amount) FROM orders GROUP BY ALL\"\n"
		    "da query --remote --format csv \"SELECT * FROM events LIMIT 10\"\n"
		    "da query --format parquet -o orders.parquet \"FROM orders\" --limit 1000000",
	.arguments = arguments,
	.options = options,
	.run = run,
};
