/* /api/admin/discover-*: asking the source which tables it has, and registering them. */
#include "app/app.h"
#include "app/audit.h"
#include "app/keboola.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/sync/found_tables.h"
#include "app/wire.h"
#include "connectors/registry.h"
#include "state/registry.h"

#include <string.h>

/* Below the time that a stopping server waits for requests. */
enum { DISCOVER_SECONDS = 15 };

static json_t *ask_source(struct app *app, const char *source, GError **error)
{
	static const atomic_bool never = false;
	return found_tables_ask(app, source, DISCOVER_SECONDS, &never, error);
}

/* Why Keboola cannot be asked. */
static const char *keboola_problem(const struct configuration *config)
{
	const struct keboola_settings settings = keboola_settings_of_sync(config);
	if (!settings.url)
		return "Keboola is not configured: data_source.keboola.stack_url is missing";
	if (!settings.token)
		return "Keboola is not configured: the variable KEBOOLA_STORAGE_TOKEN is missing";
	return "this server has no connector for Keboola";
}

static struct http_response *refuse_bigquery(const struct configuration *config)
{
	bool configured = config_is_set(config, "data_source.bigquery.project");
	return http_refuse_with(
		500,
		json_pack("{ss ss s{}}", "error",
			  configured ? "this server has no connector for BigQuery"
				     : "BigQuery is not configured: data_source.bigquery.project "
				       "is missing",
			  "kind", configured ? "bq_lib_missing" : "not_configured", "details"));
}

/* Of what an extractor said the last line is why it failed; those before it are for the log. */
static struct http_response *refuse_failure(const char *what, GError *error)
{
	g_autoptr(GError) cause = error;
	const char *last = strrchr(g_strchomp(cause->message), '\n');
	g_warning("%s failed: %s", what, cause->message);
	return http_refuse(500, "%s failed: %s", what, last ? last + 1 : cause->message);
}

static const char *text_of(const json_t *row, const char *member)
{
	return json_string_value(json_object_get(row, member));
}

/* --- listing --- */

/* The row under the names that lists of other sources have, too. */
static json_t *describe_found(const json_t *row)
{
	json_t *table = json_deep_copy(row);
	const char *name = text_of(row, "name");
	g_autofree char *id = registry_id_of_name(name ? name : "");
	json_object_set_new(table, "id", json_string(id));
	json_object_set_new(table, "bucket_id", wire_text(text_of(row, "bucket")));
	json_object_set_new(table, "bucket_name", wire_text(text_of(row, "bucket")));
	return table;
}

/* What to tell who finds nothing: which folders are still to be made. NULL: they are all there. */
static char *missing_folders(const struct app *app, const struct configuration *config)
{
	g_autoptr(GString) names = g_string_new(NULL);
	size_t index;
	const json_t *root;
	json_array_foreach((json_t *)config_list(config, "local.roots"), index, root)
	{
		g_autofree char *path = g_canonicalize_filename(json_string_value(root),
								app->data_dir);
		g_autofree char *name = g_path_get_basename(path);
		if (!g_file_test(path, G_FILE_TEST_IS_DIR))
			g_string_append_printf(names, "%s'%s'", names->len ? ", " : "", name);
	}
	return names->len
		       ? g_strdup_printf("There is no folder %s yet: make what local.roots names, "
					 "and put files into it",
					 names->str)
		       : NULL;
}

static struct http_response *answer_found(const char *source, const json_t *found,
					  const char *problem)
{
	json_t *tables = json_array();
	size_t index;
	const json_t *row;
	json_array_foreach((json_t *)found, index, row)
		json_array_append_new(tables, describe_found(row));
	return http_json(200, json_pack("{so sI ss ss*}", "tables", tables, "count",
					(json_int_t)json_array_size(tables), "source", source,
					"error", json_array_size(tables) > 0 ? NULL : problem));
}

static struct http_response *discover_tables(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_autoptr(configuration) config = app_config(app);
	const char *source = config_text(config, "data_source.type");
	const struct connector *connector = connector_find(source);
	if (connector && connector->discover) {
		g_autoptr(json_t) found = ask_source(app, source, &error);
		if (!found)
			return refuse_failure("Discovery", error);
		bool local = strcmp(source, "local") == 0;
		g_autofree char *problem = local ? missing_folders(app, config) : NULL;
		return answer_found(source, found, problem);
	}
	if (strcmp(source, "keboola") == 0)
		return http_refuse(500, "Discovery failed: %s", keboola_problem(config));
	if (strcmp(source, "bigquery") == 0)
		return refuse_bigquery(config);
	g_autofree char *quoted = wire_quote(source);
	g_autofree char *problem = g_strdup_printf("Discovery not implemented for source_type=%s",
						   quoted);
	return http_json(200, json_pack("{s[] si ss ss}", "tables", "count", 0, "source", source,
					"error", problem));
}

/* --- registering --- */

static struct http_response *discover_and_register(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_autoptr(configuration) config = app_config(app);
	const char *source = config_text(config, "data_source.type");
	const char *email = caller_of(request)->user->row->email;
	const struct connector *connector = connector_find(source);
	bool can = connector && connector->discover;
	if (!can && strcmp(source, "keboola") == 0)
		return http_refuse(500, "Discovery and registration failed: %s",
				   keboola_problem(config));
	g_autoptr(json_t) ids = json_array();
	struct found_tally tally = {.ids = ids};
	g_autoptr(json_t) found = can ? ask_source(app, source, &error) : NULL;
	if (can && (!found || !found_tables_register(app, found, email, &tally, &error)))
		return refuse_failure("Discovery and registration", error);
	if (can)
		audit_caller(request, "discover_and_register", NULL, source,
			     json_pack("{si si si sO}", "registered", tally.registered, "skipped",
				       tally.skipped, "errors", tally.errors, "tables", ids));
	if (tally.registered > 0)
		publisher_wake(app->publisher);
	return http_json(200, json_pack("{si si si sO ss}", "registered", tally.registered,
					"skipped", tally.skipped, "errors", tally.errors, "tables",
					ids, "source", source));
}

/* --- the routes --- */

static const struct http_field discover_fields[] = {
	{"dataset", HTTP_IN_QUERY, HTTP_STRING, .nullable = true,
	 .meaning = "of BigQuery: the tables of this one"},
	{0},
};
static const struct http_answer failed[] = {{500, "The source cannot be asked"}, {0}};

const struct http_route discovery_routes[] = {
	{HTTP_GET, "/api/admin/discover-tables", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = discover_fields, .tag = "registry", .answers = failed,
	 .summary = "The tables that the source has", .handle = discover_tables},
	{HTTP_POST, "/api/admin/discover-and-register", ACCESS_ADMIN, HTTP_BLOCKING,
	 .tag = "registry", .answers = failed, .summary = "Register the tables that the source has",
	 .handle = discover_and_register},
	{0},
};
