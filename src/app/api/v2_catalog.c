/* /api/v2: tables and their columns, as the CLI asks for them. */
#include "app/app.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/table_facts.h"
#include "app/v2_table.h"
#include "app/wire.h"
#include "base/error.h"

#include <string.h>

static const char *text_or(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

static bool is_bigquery(const struct registered_table *row)
{
	return row && g_strcmp0(row->source_type, "bigquery") == 0;
}

static const char *flavor_of(const struct registered_table *row)
{
	return is_bigquery(row) ? "bigquery" : "duckdb";
}

static json_t *where_examples(const struct registered_table *row)
{
	return is_bigquery(row) ? json_pack("[ss]", "event_date > DATE '2026-01-01'",
					    "country_code = 'CZ' AND platform = 'web'")
				: json_array();
}

static json_t *fetch_via(const struct registered_table *row)
{
	return is_bigquery(row) ? json_sprintf("da fetch %s --select <cols> --where '<BQ "
					       "predicate>' --limit <N>",
					       row->id)
				: json_string("local after `da sync`; query it with `da query`");
}

static json_t *describe_table(const struct registered_table *row)
{
	return json_pack("{ss ss ss ss ss ss so so sn}", "id", row->id, "name",
			 text_or(row->name, row->id), "description", text_or(row->description, ""),
			 "source_type", text_or(row->source_type, ""), "query_mode",
			 text_or(row->query_mode, "local"), "sql_flavor", flavor_of(row),
			 "where_examples", where_examples(row), "fetch_via", fetch_via(row),
			 "rough_size_hint");
}

static struct http_response *list_tables(struct http_request *request)
{
	const struct caller *caller = caller_of(request);
	const struct directory *directory = caller->directory;
	json_t *list = json_array();
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct directory_table *table = directory->tables[i];
		if (table->registered && directory_may_read(directory, caller->user, table))
			json_array_append_new(list, describe_table(table->registered));
	}
	return http_json(200, json_pack("{so so}", "tables", list, "server_time",
					wire_time_offset(g_get_real_time())));
}

/* --- columns --- */

static struct http_response *answer_columns(const struct directory_table *table, json_t *columns)
{
	json_t *list = json_array();
	json_t *column;
	size_t index;
	json_array_foreach(columns, index, column)
	{
		json_t *shown = json_copy(column);
		json_object_set_new(shown, "description", json_string(""));
		json_array_append_new(list, shown);
	}
	return http_json(200,
			 json_pack("{ss ss ss so sn s[] s{}}", "table_id", table->id, "source_type",
				   v2_table_source(table), "sql_flavor", "duckdb", "columns", list,
				   "partition_by", "clustered_by", "where_dialect_hints"));
}

static struct http_response *get_schema(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	struct http_response *refusal;
	const char *id = http_request_text(request, "table_id");
	g_autofree char *unknown = g_strdup_printf("table '%s' not found", id);
	const struct directory_table *table = v2_table_find(
		request, id, "not authorized for this table", unknown, &refusal);
	g_autoptr(edition) edition = publisher_edition(app->publisher);
	const struct published_table *published = table ? v2_table_file(app, table, edition,
									&refusal)
							: NULL;
	if (!published)
		return refusal;
	g_autoptr(json_t) columns = table_facts_columns(app->table_facts, published, &error);
	return columns ? answer_columns(table, columns) : http_refuse_error(request, error);
}

static const struct http_field schema_fields[] = {
	{"table_id", HTTP_IN_PATH, HTTP_STRING, .required = true, .meaning = "its id or its name"},
	{0},
};
static const struct http_answer described[] = {{404, "No such table, or it has no file"}, {0}};

const struct http_route v2_catalog_routes[] = {
	{HTTP_GET, "/api/v2/catalog", ACCESS_USER, .tag = "v2",
	 .summary = "The tables that the caller may read, and how to query them",
	 .handle = list_tables},
	{HTTP_GET, "/api/v2/schema/{table_id}", ACCESS_USER, HTTP_BLOCKING, .fields = schema_fields,
	 .tag = "v2", .answers = described, .summary = "The columns of a table",
	 .handle = get_schema},
	{0},
};
