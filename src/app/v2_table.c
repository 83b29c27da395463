/* Finding tables, and the refusals that go with it. */
#include "app/v2_table.h"

#include <string.h>

const struct directory_table *v2_table_find(const struct http_request *request, const char *id,
					    const char *denied, const char *unknown,
					    struct http_response **refusal)
{
	const struct caller *caller = caller_of(request);
	const struct directory_table *table = caller_table(caller, id);
	if (!table)
		*refusal = caller->user->is_admin ? http_refuse(404, "%s", unknown)
						  : http_refuse(403, "%s", denied);
	return table;
}

const char *v2_table_source(const struct directory_table *table)
{
	const struct registered_table *row = table->registered;
	return row && row->source_type ? row->source_type : "";
}

static bool has_project(struct app *app)
{
	g_autoptr(configuration) config = app_config(app);
	const char *project = config_env(config, "BIGQUERY_PROJECT");
	return (project && *project) || *config_text(config, "data_source.bigquery.project");
}

/* Without a file only the source could answer. */
static struct http_response *refuse_remote(struct app *app, const struct directory_table *table)
{
	if (strcmp(v2_table_source(table), "bigquery") != 0)
		return http_refuse(404, "table '%s' has no file on this server; run a sync",
				   table->id);
	if (has_project(app))
		return http_refuse_with(
			500,
			json_pack("{ss ss s{}}", "error", "bq_lib_missing", "message",
				  "this server cannot ask BigQuery about its tables", "details"));
	return http_refuse_with(500,
				json_pack("{ss ss s{ss}}", "error", "not_configured", "message",
					  "BigQuery is not configured", "details", "hint",
					  "set data_source.bigquery.project in instance.yaml"));
}

const struct published_table *v2_table_file(struct app *app, const struct directory_table *table,
					    const struct edition *edition,
					    struct http_response **refusal)
{
	const struct edition_table *entry = edition_find(edition, table->name);
	if (entry && entry->table->file)
		return entry->table;
	*refusal = refuse_remote(app, table);
	return NULL;
}
