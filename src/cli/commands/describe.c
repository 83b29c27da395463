/* da schema and da describe: the columns of a table, and some of its rows. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"
#include "cli/rows.h"

#include <string.h>

static int ask_schema(struct invocation *invocation, const char *failure, struct api_reply **reply)
{
	g_autofree char *path = api_path("/api/v2/schema/{}",
					 invocation_text(invocation, "TABLE_ID"), NULL);
	const struct api_call call = {.path = path, .failure = failure, .codes = API_CODES_V2};
	return api_ask(invocation, &call, reply);
}

/* --- schema --- */

static const struct grid_column columns[] = {
	{"COLUMN", "name", 30},
	{"TYPE", "type", 15},
	{"NULL", "null", 5},
	{"DESCRIPTION", "description", 0},
	{0},
};

static void print_heading(const json_t *schema)
{
	g_autofree char *id = grid_text(json_object_get(schema, "table_id"));
	g_autofree char *source = grid_text(json_object_get(schema, "source_type"));
	g_autofree char *flavor = grid_text(json_object_get(schema, "sql_flavor"));
	g_autofree char *dialect = g_ascii_strup(*flavor ? flavor : "duckdb", -1);
	output_print("Table: %s  (%s — use %s SQL dialect)\n\n", id, source, dialect);
}

static void print_layout(const json_t *schema)
{
	size_t i;
	json_t *name;
	g_autofree char *partition = grid_text(json_object_get(schema, "partition_by"));
	g_autoptr(GString) clusters = g_string_new(NULL);
	json_array_foreach(json_object_get(schema, "clustered_by"), i, name)
	{
		g_autofree char *text = grid_text(name);
		g_string_append_printf(clusters, "%s%s", i ? ", " : "", text);
	}
	if (*partition)
		output_print("\nPartition: %s\n", partition);
	if (clusters->len > 0)
		output_print("Clustered: %s\n", clusters->str);
}

static void print_hints(json_t *hints)
{
	const char *key;
	json_t *value;
	if (json_object_size(hints) == 0)
		return;
	output_print("\nWHERE dialect hints:\n");
	json_object_foreach(hints, key, value)
	{
		g_autofree char *text = grid_text(value);
		g_autoptr(GString) line = g_string_new("  ");
		grid_pad(line, key, 25, GRID_LEFT);
		output_print("%s  %s\n", line->str, text);
	}
}

static int run_schema(struct invocation *invocation)
{
	size_t i;
	json_t *column;
	g_autoptr(api_reply) reply = NULL;
	int code = ask_schema(invocation, "schema fetch failed", &reply);
	if (code)
		return code;
	if (invocation_flag(invocation, "json")) {
		output_json_text(reply->body, reply->size);
		return EXIT_CODE_OK;
	}
	json_t *all = json_object_get(reply->json, "columns");
	json_array_foreach(all, i, column)
	{
		bool nullable = json_is_true(json_object_get(column, "nullable"));
		json_object_set_new(column, "null", json_string(nullable ? "YES" : "NO"));
	}
	print_heading(reply->json);
	grid_print(columns, all, GRID_PLAIN);
	print_layout(reply->json);
	print_hints(json_object_get(reply->json, "where_dialect_hints"));
	return EXIT_CODE_OK;
}

/* --- describe --- */

static void print_columns(const json_t *schema)
{
	size_t i;
	json_t *column;
	json_array_foreach(json_object_get(schema, "columns"), i, column)
	{
		g_autofree char *name = grid_text(json_object_get(column, "name"));
		g_autofree char *type = grid_text(json_object_get(column, "type"));
		g_autoptr(GString) line = g_string_new("  ");
		grid_pad(line, name, 30, GRID_LEFT);
		output_print("%s %s\n", line->str, type);
	}
}

/* The two bodies as they came, as members of one object. */
static void print_both(const struct api_reply *schema, const struct api_reply *sample)
{
	g_autoptr(GString) both = g_string_new("{\"schema\":");
	g_string_append_len(both, schema->body, (gssize)schema->size);
	g_string_append(both, ",\"sample\":");
	g_string_append_len(both, sample->body, (gssize)sample->size);
	g_string_append_c(both, '}');
	output_json_text(both->str, both->len);
}

static void print_sample(const struct api_reply *sample)
{
	struct json_slice rows = {"[]", 2};
	json_text_member((struct json_slice){sample->body, sample->size}, "rows", &rows);
	output_print("\nSample (%zu rows):\n",
		     json_array_size(json_object_get(sample->json, "rows")));
	rows_print_objects(rows);
}

static int run_describe(struct invocation *invocation)
{
	g_autoptr(api_reply) schema = NULL;
	g_autoptr(api_reply) sample = NULL;
	int code = ask_schema(invocation, "describe failed", &schema);
	if (code)
		return code;
	g_autofree char *path = api_path("/api/v2/sample/{}?n={}",
					 invocation_text(invocation, "TABLE_ID"),
					 invocation_text(invocation, "rows"), NULL);
	code = api_ask(invocation,
		       &(struct api_call){
			       .path = path, .failure = "describe failed", .codes = API_CODES_V2},
		       &sample);
	if (code)
		return code;
	if (invocation_flag(invocation, "json")) {
		print_both(schema, sample);
		return EXIT_CODE_OK;
	}
	g_autofree char *id = grid_text(json_object_get(schema->json, "table_id"));
	output_print("Table: %s\n\nSchema:\n", id);
	print_columns(schema->json);
	print_sample(sample);
	return EXIT_CODE_OK;
}

/* --- declarations --- */

static const struct argument arguments[] = {
	{"TABLE_ID", "A table of 'da catalog'"},
	{0},
};

static const struct option schema_options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_schema = {
	"schema",
	"Show the columns of a table, and how to write conditions on them",
	.examples = "da schema orders\nda schema orders --json",
	.arguments = arguments,
	.options = schema_options,
	.run = run_schema,
};

static const struct option describe_options[] = {
	{"rows", 'n', OPTION_INTEGER, "N", "How many rows, at most 100", .fallback = "5",
	 .least = 1},
	OPTION_JSON,
	{0},
};

const struct command command_describe = {
	"describe",
	"Show the columns and some rows of a table",
	.examples = "da describe orders -n 10",
	.arguments = arguments,
	.options = describe_options,
	.run = run_describe,
};
