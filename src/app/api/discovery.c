/* /api/admin/discover-*: asking the source which tables it has, and registering them. */
#include "app/app.h"
#include "app/audit.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/sync/extraction.h"
#include "app/table_rules.h"
#include "app/wire.h"
#include "base/error.h"
#include "connectors/registry.h"
#include "state/registry.h"

#include <string.h>

/* Below the time that a stopping server waits for requests. */
enum { DISCOVER_SECONDS = 15 };

#define KEBOOLA_TOKEN "KEBOOLA_STORAGE_TOKEN"

/* What could be known and is not to the point here. */
static void ignore_event(void *data, const json_t *event)
{
}

/* An array of rows as the connector lists them; an extractor does the work. */
static json_t *ask_source(struct app *app, const char *source, GError **error)
{
	static const atomic_bool never = false;
	g_autoptr(json_t) no_rows = json_array();
	g_auto(extraction_end) end = {0};
	const struct extraction extraction = {
		.data_dir = app->data_dir,
		.source = source,
		.mode = "--discover",
		.rows = no_rows,
		.deadline = g_get_monotonic_time() + DISCOVER_SECONDS * G_USEC_PER_SEC,
		.cancelled = &never,
		.event = ignore_event,
	};
	if (!extraction_run(&extraction, &end, error))
		return NULL;
	if (json_is_array(end.result))
		return json_incref(end.result);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
		    "the connector '%s' answered something else than a list", source);
	return NULL;
}

static bool is_set(const char *text)
{
	return text && *text;
}

/* Why Keboola cannot be asked. */
static const char *keboola_problem(const struct configuration *config)
{
	const char *url = config_text(config, "data_source.keboola.stack_url");
	if (!is_set(url) && !is_set(config_env(config, "KEBOOLA_STACK_URL")))
		return "Keboola is not configured: data_source.keboola.stack_url is missing";
	if (!is_set(config_env(config, KEBOOLA_TOKEN)))
		return "Keboola is not configured: the variable " KEBOOLA_TOKEN " is missing";
	return "this server has no connector for Keboola";
}

static struct http_response *refuse_bigquery(const struct configuration *config)
{
	bool configured = is_set(config_text(config, "data_source.bigquery.project"));
	return http_refuse_with(
		500,
		json_pack("{ss ss s{}}", "error",
			  configured ? "this server has no connector for BigQuery"
				     : "BigQuery is not configured: data_source.bigquery.project "
				       "is missing",
			  "kind", configured ? "bq_lib_missing" : "not_configured", "details"));
}

static struct http_response *refuse_failure(const char *what, GError *error)
{
	g_autoptr(GError) cause = error;
	return http_refuse(500, "%s failed: %s", what, cause->message);
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

static struct http_response *answer_found(const char *source, const json_t *found)
{
	json_t *tables = json_array();
	size_t index;
	const json_t *row;
	json_array_foreach((json_t *)found, index, row)
		json_array_append_new(tables, describe_found(row));
	return http_json(200, json_pack("{so sI ss}", "tables", tables, "count",
					(json_int_t)json_array_size(tables), "source", source));
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
		return found ? answer_found(source, found) : refuse_failure("Discovery", error);
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

struct tally {
	int registered, skipped, errors;
	json_t *ids;
};

static bool register_found(struct http_request *request, const struct configuration *config,
			   const json_t *row, struct tally *tally, GError **error)
{
	g_autoptr(GError) cause = NULL;
	const char *name = text_of(row, "name");
	g_autofree char *id = registry_id_of_name(name ? name : "");
	struct registered_table table = {
		.id = id,
		.name = name,
		.source_type = text_of(row, "source_type"),
		.bucket = text_of(row, "bucket"),
		.source_table = text_of(row, "source_table"),
		.sync_strategy = text_of(row, "sync_strategy"),
		.query_mode = text_of(row, "query_mode"),
		.profile_after_sync = RECORD_TRUE,
		.description = text_of(row, "description"),
		.registered_by = caller_of(request)->user->row->email,
		.registered_at = DUCK_NO_TIME,
	};
	g_autoptr(http_response) refusal = *id ? table_rules_refuse(&table, config) : NULL;
	if (!*id || refusal) {
		tally->errors++;
	} else if (registry_register(app_of(request)->state, &table, &cause)) {
		tally->registered++;
		json_array_append_new(tally->ids, json_string(id));
	} else if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_CONFLICT)) {
		tally->skipped++;
	} else {
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	return true;
}

/* Those that are registered when one fails stay so, and the next call skips them. */
static bool register_all(struct http_request *request, const char *source, struct tally *tally,
			 GError **error)
{
	struct app *app = app_of(request);
	g_autoptr(configuration) config = app_config(app);
	g_autoptr(json_t) found = ask_source(app, source, error);
	bool done = found != NULL;
	size_t index;
	const json_t *row;
	json_array_foreach(found, index, row)
	{
		if (done)
			done = register_found(request, config, row, tally, error);
	}
	if (tally->registered > 0) {
		done = directory_reload_tables(app->directory, done ? error : NULL) && done;
		publisher_wake(app->publisher);
	}
	return done;
}

static struct http_response *discover_and_register(struct http_request *request)
{
	GError *error = NULL;
	g_autoptr(configuration) config = app_config(app_of(request));
	const char *source = config_text(config, "data_source.type");
	const struct connector *connector = connector_find(source);
	bool can = connector && connector->discover;
	if (!can && strcmp(source, "keboola") == 0)
		return http_refuse(500, "Discovery and registration failed: %s",
				   keboola_problem(config));
	g_autoptr(json_t) ids = json_array();
	struct tally tally = {.ids = ids};
	if (can && !register_all(request, source, &tally, &error))
		return refuse_failure("Discovery and registration", error);
	if (can)
		audit_caller(request, "discover_and_register", NULL, source,
			     json_pack("{si si si sO}", "registered", tally.registered, "skipped",
				       tally.skipped, "errors", tally.errors, "tables", ids));
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
