/* da admin register-table and list-tables: the registry of the server. */
#include "base/error.h"
#include "base/files.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"

#include <string.h>

enum { LONGEST_QUERY = 1024 * 1024, HTTP_ACCEPTED = 202, HTTP_CONFLICT = 409 };

/* --- register-table --- */

/* The query of --query, from a file when it starts with @; "" without one. */
static char *read_query(const struct invocation *invocation, GError **error)
{
	size_t size;
	const char *given = invocation_text(invocation, "query");
	if (!given || *given != '@')
		return g_strstrip(g_strdup(given ? given : ""));
	char *text = files_read(given + 1, LONGEST_QUERY, &size, error);
	return text ? g_strstrip(text) : NULL;
}

static json_t *describe_table(const struct invocation *invocation, const char *query)
{
	const char *name = invocation_text(invocation, "NAME");
	const char *source = invocation_text(invocation, "source-table");
	const char *schedule = invocation_text(invocation, "sync-schedule");
	json_t *table = json_pack("{ss ss ss ss ss ss}", "name", name, "source_type",
				  invocation_text(invocation, "source-type"), "bucket",
				  invocation_text(invocation, "bucket"), "source_table",
				  *source ? source : name, "query_mode",
				  invocation_text(invocation, "query-mode"), "description",
				  invocation_text(invocation, "description"));
	if (*query)
		json_object_set_new(table, "source_query", json_string(query));
	if (*schedule)
		json_object_set_new(table, "sync_schedule", json_string(schedule));
	return table;
}

static void print_fact(const json_t *table, const char *key, bool always, bool is_number)
{
	const json_t *value = json_object_get(table, key);
	g_autofree char *label = g_strconcat(key, ":", NULL);
	g_autofree char *text = is_number && json_is_integer(value)
					? output_thousands(json_integer_value(value))
					: grid_text(value);
	bool is_there = value && !json_is_null(value);
	if (is_there || always)
		output_print("  %-13s %s\n", label, is_there ? text : "None");
}

static void print_precheck(const json_t *table)
{
	size_t i;
	json_t *column;
	const json_t *columns = json_object_get(table, "columns");
	output_print("[DRY RUN] precheck OK\n");
	print_fact(table, "name", true, false);
	print_fact(table, "source_type", true, false);
	print_fact(table, "bucket", true, false);
	print_fact(table, "source_table", true, false);
	print_fact(table, "project_id", false, false);
	print_fact(table, "rows", false, true);
	print_fact(table, "size_bytes", false, true);
	if (json_array_size(columns) > 0)
		output_print("  columns (%zu):\n", json_array_size(columns));
	json_array_foreach(columns, i, column)
	{
		g_autofree char *name = grid_text(json_object_get(column, "name"));
		g_autofree char *type = grid_text(json_object_get(column, "type"));
		g_autoptr(GString) line = g_string_new("    - ");
		grid_pad(line, name, 32, GRID_LEFT);
		output_print("%s %s\n", line->str, type);
	}
}

static int precheck(struct invocation *invocation, json_t *body)
{
	g_autoptr(api_reply) reply = NULL;
	const struct api_call call = {.path = "/api/admin/register-table/precheck",
				      .body = body,
				      .failure = "Precheck failed"};
	int code = api_ask(invocation, &call, &reply);
	if (!code)
		print_precheck(json_object_get(reply->json, "table"));
	return code;
}

static int run_register(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = NULL;
	g_autofree char *query = read_query(invocation, &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		output_warn("Error: SQL file not found: %s\n",
			    invocation_text(invocation, "query") + strlen("@"));
		return EXIT_CODE_USAGE;
	}
	if (!query)
		return command_fail(error);
	const char *mode = invocation_text(invocation, "query-mode");
	if (strcmp(mode, "materialized") == 0 && !*query)
		return command_misuse(invocation, "A materialized table needs --query.");
	g_autoptr(json_t) body = describe_table(invocation, query);
	if (invocation_flag(invocation, "dry-run"))
		return precheck(invocation, body);
	const struct api_call call = {
		.path = "/api/admin/register-table", .body = body, .also_fine = HTTP_CONFLICT};
	int code = api_ask(invocation, &call, &reply);
	if (code)
		return code;
	output_print("%s: %s\n",
		     reply->status == HTTP_CONFLICT   ? "Already exists"
		     : reply->status == HTTP_ACCEPTED ? "Registered (materializing in background)"
						      : "Registered",
		     invocation_text(invocation, "NAME"));
	return EXIT_CODE_OK;
}

/* --- list-tables --- */

static const char *text_or(const char *text, const char *fallback)
{
	return *text ? text : fallback;
}

static void print_table(const json_t *table)
{
	g_autofree char *name = grid_text(json_object_get(table, "name"));
	g_autofree char *source = grid_text(json_object_get(table, "source_type"));
	g_autofree char *mode = grid_text(json_object_get(table, "query_mode"));
	g_autofree char *bucket = grid_text(json_object_get(table, "bucket"));
	g_autoptr(GString) line = g_string_new("  ");
	grid_pad(line, text_or(name, "?"), 30, GRID_LEFT);
	g_string_append(line, " src=");
	grid_pad(line, text_or(source, "?"), 10, GRID_LEFT);
	g_string_append(line, " mode=");
	grid_pad(line, text_or(mode, "?"), 6, GRID_LEFT);
	output_print("%s bucket=%s\n", line->str, bucket);
}

static int run_list(struct invocation *invocation)
{
	size_t i;
	json_t *table;
	g_autoptr(api_reply) reply = NULL;
	int code = api_ask(invocation, &(struct api_call){.path = "/api/admin/registry"}, &reply);
	if (code)
		return code;
	if (invocation_flag(invocation, "json")) {
		output_json_text(reply->body, reply->size);
		return EXIT_CODE_OK;
	}
	g_autofree char *count = grid_text(json_object_get(reply->json, "count"));
	output_print("Registered tables: %s\n", count);
	json_array_foreach(json_object_get(reply->json, "tables"), i, table)
	{
		print_table(table);
	}
	return EXIT_CODE_OK;
}

/* --- declarations --- */

static const struct argument register_arguments[] = {
	{"NAME", "The name that the table gets"},
	{0},
};

static const struct option register_options[] = {
	{"source-type", 0, OPTION_TEXT, "TYPE", "Its connector, such as local or keboola",
	 .fallback = "keboola"},
	{"bucket", 0, OPTION_TEXT, "BUCKET", "The bucket, dataset or folder at the source",
	 .fallback = ""},
	{"source-table", 0, OPTION_TEXT, "TABLE", "Its name there; default: NAME", .fallback = ""},
	{"query-mode", 0, OPTION_TEXT, "MODE", "Where its rows are",
	 .words = "local remote materialized", .fallback = "local"},
	{"query", 0, OPTION_TEXT, "SQL|@FILE", "What a materialized table is made of"},
	{"description", 0, OPTION_TEXT, "TEXT", "What is in it", .fallback = ""},
	{"sync-schedule", 0, OPTION_TEXT, "WHEN", "Such as 'every 1h' or 'daily 06:00'",
	 .fallback = ""},
	{"dry-run", .meaning = "Look at the source and register nothing"},
	{0},
};

const struct command command_admin_register_table = {
	"admin register-table",
	"Register a table, so that the server fetches it",
	.details = "A table that is registered already is left as it is, and that is no failure.",
	.examples = "da admin register-table orders --source-type local --bucket shop\n"
		    "da admin register-table daily_sales --query-mode materialized "
		    "--query @daily_sales.sql",
	.arguments = register_arguments,
	.options = register_options,
	.run = run_register,
};

static const struct option list_options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_admin_list_tables = {
	"admin list-tables",
	"List the registered tables",
	.options = list_options,
	.run = run_list,
};
