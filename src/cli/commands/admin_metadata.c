/* da admin metadata-show and metadata-apply: notes about the columns of tables. */
#include "base/error.h"
#include "base/files.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"

#include <string.h>

enum { LARGEST_PROPOSAL = 16 * 1024 * 1024, RULE_WIDTH = 80 };

/* --- show --- */

static void print_line(const char *name, const char *type, const char *confidence,
		       const char *description, enum grid_align align)
{
	g_autoptr(GString) line = g_string_new("  ");
	grid_pad(line, name, 30, GRID_LEFT);
	g_string_append_c(line, ' ');
	grid_pad(line, type, 12, align);
	g_string_append_c(line, ' ');
	grid_pad(line, confidence, 12, align);
	output_print("%s %s\n", line->str, description);
}

static void print_columns(const char *table, const json_t *columns)
{
	size_t i;
	json_t *column;
	g_autofree char *rule = g_strnfill(RULE_WIDTH, '-');
	output_print("Column metadata for table: %s (%zu columns)\n", table,
		     json_array_size(columns));
	print_line("COLUMN", "BASETYPE", "CONFIDENCE", "DESCRIPTION", GRID_LEFT);
	output_print("  %s\n", rule);
	json_array_foreach(columns, i, column)
	{
		g_autofree char *name = grid_text(json_object_get(column, "column_name"));
		g_autofree char *type = grid_text(json_object_get(column, "basetype"));
		g_autofree char *confidence = grid_text(json_object_get(column, "confidence"));
		g_autofree char *text = grid_text(json_object_get(column, "description"));
		print_line(name, type, confidence, text, GRID_CENTRE);
	}
}

static int run_show(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	const char *table = invocation_text(invocation, "TABLE_ID");
	g_autofree char *path = api_path("/api/admin/metadata/{}", table, NULL);
	int code = api_ask(invocation, &(struct api_call){.path = path}, &reply);
	if (code)
		return code;
	const json_t *columns = json_object_get(reply->json, "columns");
	if (invocation_flag(invocation, "json"))
		output_json_text(reply->body, reply->size);
	else if (json_array_size(columns) == 0)
		output_print("No column metadata for table: %s\n", table);
	else
		print_columns(table, columns);
	return EXIT_CODE_OK;
}

/* --- apply --- */

static json_t *read_proposal(const char *path, GError **error)
{
	size_t size;
	g_autofree char *text = files_read(path, LARGEST_PROPOSAL, &size, error);
	g_autoptr(json_t) proposal = text ? json_parse(text, size, path, error) : NULL;
	if (!proposal)
		return NULL;
	if (json_is_object(json_object_get(proposal, "tables")))
		return g_steal_pointer(&proposal);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s: it must be {\"tables\": {TABLE: {\"columns\": {COLUMN: {...}}}}}", path);
	return NULL;
}

static size_t count_columns(json_t *tables)
{
	const char *name;
	json_t *table;
	size_t count = 0;
	json_object_foreach(tables, name, table)
	{
		count += json_object_size(json_object_get(table, "columns"));
	}
	return count;
}

static void print_plan(json_t *tables)
{
	const char *table_name, *name;
	json_t *table, *column;
	output_print("[DRY RUN] Would import %zu column(s) from %zu table(s):\n",
		     count_columns(tables), json_object_size(tables));
	json_object_foreach(tables, table_name, table)
	{
		json_object_foreach(json_object_get(table, "columns"), name, column)
		{
			g_autofree char *type = grid_text(json_object_get(column, "basetype"));
			g_autofree char *text = grid_text(json_object_get(column, "description"));
			output_print("  %s.%s: basetype=%s description=%s\n", table_name, name,
				     type, text);
		}
	}
}

/* The body for one table: a list of columns instead of a mapping. */
static json_t *columns_of(const json_t *table)
{
	const char *name;
	json_t *column;
	json_t *list = json_array();
	json_object_foreach(json_object_get(table, "columns"), name, column)
	{
		json_t *confidence = json_object_get(column, "confidence");
		json_t *entry = json_pack("{ss sO* sO*}", "column_name", name, "basetype",
					  json_object_get(column, "basetype"), "description",
					  json_object_get(column, "description"));
		json_object_set_new(entry, "confidence",
				    confidence ? json_incref(confidence) : json_string("high"));
		json_array_append_new(list, entry);
	}
	return json_pack("{so}", "columns", list);
}

static int save(struct invocation *invocation, const char *name, const json_t *table)
{
	g_autoptr(api_reply) reply = NULL;
	g_autofree char *path = api_path("/api/admin/metadata/{}", name, NULL);
	g_autofree char *failure = g_strdup_printf("Failed to import %s", name);
	g_autoptr(json_t) body = columns_of(table);
	const struct api_call call = {.path = path, .body = body, .failure = failure};
	return api_ask(invocation, &call, &reply);
}

/* A source that does not take them, or not all, is told of, and no failure. */
static void push(struct invocation *invocation, const char *name)
{
	size_t i;
	json_t *line;
	g_autoptr(api_reply) reply = NULL;
	g_autofree char *path = api_path("/api/admin/metadata/{}/push", name, NULL);
	g_autofree char *failure = g_strdup_printf("Failed to push %s", name);
	const struct api_call call = {
		.method = "POST", .path = path, .seconds = API_SECONDS_PUSH, .failure = failure};
	if (api_ask(invocation, &call, &reply) != EXIT_CODE_OK)
		return;
	output_print("Pushed metadata for %s to source.\n", name);
	json_array_foreach(json_object_get(reply->json, "errors"), i, line)
	{
		g_autofree char *text = grid_text(line);
		output_warn("Failed to push %s: %s\n", name, text);
	}
}

static int run_apply(struct invocation *invocation)
{
	const char *name;
	json_t *table;
	g_autoptr(GError) error = NULL;
	const char *path = invocation_text(invocation, "PATH");
	g_autoptr(json_t) proposal = read_proposal(path, &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		output_warn("Proposal file not found: %s\n", path);
		return EXIT_CODE_FAILED;
	}
	if (!proposal)
		return command_fail(error);
	json_t *tables = json_object_get(proposal, "tables");
	if (invocation_flag(invocation, "dry-run")) {
		print_plan(tables);
		return EXIT_CODE_OK;
	}
	json_object_foreach(tables, name, table)
	{
		int code = save(invocation, name, table);
		if (code)
			return code;
	}
	output_print("Imported %zu column(s) from proposal.\n", count_columns(tables));
	if (!invocation_flag(invocation, "push-to-source"))
		return EXIT_CODE_OK;
	json_object_foreach(tables, name, table)
	{
		push(invocation, name);
	}
	return EXIT_CODE_OK;
}

/* --- declarations --- */

static const struct argument show_arguments[] = {
	{"TABLE_ID", "A table of 'da catalog'"},
	{0},
};
static const struct option show_options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_admin_metadata_show = {
	"admin metadata-show",
	"Show the notes about a table's columns",
	.arguments = show_arguments,
	.options = show_options,
	.run = run_show,
};

static const struct argument apply_arguments[] = {
	{"PATH", "A JSON file: {\"tables\": {TABLE: {\"columns\": {COLUMN: {\"basetype\", "
		 "\"description\", \"confidence\"}}}}}"},
	{0},
};
static const struct option apply_options[] = {
	{"push-to-source", .meaning = "Write them to the source of the table, too"},
	{"dry-run", .meaning = "Show what would be imported"},
	{0},
};

const struct command command_admin_metadata_apply = {
	"admin metadata-apply",
	"Import notes about columns from a file",
	.arguments = apply_arguments,
	.options = apply_options,
	.run = run_apply,
};
