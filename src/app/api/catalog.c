/* /api/catalog: which tables there are, and the statistics of each. */
#include "app/app.h"
#include "app/audit.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/table_facts.h"
#include "app/wire.h"
#include "base/error.h"
#include "base/files.h"
#include "state/profiles.h"

#include <string.h>

enum { LEGACY_PROFILES_LIMIT = 64 * 1024 * 1024 };

static json_t *describe_table(const struct registered_table *row)
{
	return json_pack("{ss ss so so so so}", "id", row->id, "name", row->name, "description",
			 wire_text(row->description), "source_type", wire_text(row->source_type),
			 "sync_strategy", wire_text(row->sync_strategy), "query_mode",
			 wire_text(row->query_mode));
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
	return http_json(200, json_pack("{so sI}", "tables", list, "count",
					(json_int_t)json_array_size(list)));
}

/* --- profiles --- */

static struct http_response *refuse_access(const char *name)
{
	return http_refuse(403, "Access denied to table '%s'", name);
}

/* Of the first versions, which kept all profiles in one file. What is wrong with it is no matter:
 * then it has no profile. */
static json_t *find_legacy_profile(const char *data_dir, const char *table)
{
	size_t size;
	g_autofree char *path = g_build_filename(data_dir, "src_data", "metadata", "profiles.json",
						 NULL);
	g_autofree char *text = files_read(path, LEGACY_PROFILES_LIMIT, &size, NULL);
	g_autoptr(json_t) document = text ? json_parse(text, size, path, NULL) : NULL;
	json_t *tables = json_object_get(document, "tables");
	json_t *profile = json_object_get(tables ? tables : document, table);
	return json_is_object(profile) ? json_incref(profile) : NULL;
}

/* NULL without an error: there is none under that name. */
static json_t *find_profile(struct app *app, const char *name, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(profile_record) row = profiles_find(app->state, name, &problem);
	if (row)
		return profile_to_json(row, error);
	if (!g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	return find_legacy_profile(app->data_dir, name);
}

static struct http_response *get_profile(struct http_request *request)
{
	const struct caller *caller = caller_of(request);
	GError *error = NULL;
	const char *name = http_request_text(request, "table_name");
	const struct directory_table *table = caller_table(caller, name);
	if (!table && !caller->user->is_admin)
		return refuse_access(name);
	/* Profiles are kept by name; older programs kept some by id. */
	json_t *profile = find_profile(app_of(request), table ? table->name : name, &error);
	if (!profile && !error && table && strcmp(table->id, table->name) != 0)
		profile = find_profile(app_of(request), table->id, &error);
	if (error)
		return http_refuse_error(request, error);
	return profile ? http_json(200, profile)
		       : http_refuse(404, "Profile not found for '%s'", name);
}

/* What the state says is of no use to the caller; what is wrong with the file is. */
static struct http_response *refuse_profiling(struct http_request *request, GError *error)
{
	if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_FAILED))
		return http_refuse_error(request, error);
	g_autoptr(GError) owned = error;
	g_warning("%s", owned->message);
	return http_refuse(500, "Profile failed: %s", owned->message);
}

static void stop_measurement(void *measurement)
{
	measurement_stop(measurement);
}

static struct http_response *profile_table(struct http_request *request,
					   const struct directory_table *table,
					   const struct published_table *published)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_autoptr(configuration) config = app_config(app);
	g_auto(measurement) measurement;
	measurement_init(&measurement);
	http_request_on_gone(request, stop_measurement, &measurement);
	g_autoptr(json_t) profile = table_facts_profile(app->table_facts, table, published, config,
							&measurement, &error);
	http_request_on_gone(request, NULL, NULL);
	if (!profile)
		return refuse_profiling(request, error);
	audit_caller(request, "catalog.profile_refresh", "table", table->id, NULL);
	size_t columns = json_array_size(json_object_get(profile, "columns"));
	return http_json(200, json_pack("{ss ss sI}", "status", "ok", "table",
					http_request_text(request, "table_name"), "columns",
					(json_int_t)columns));
}

static struct http_response *refresh_profile(struct http_request *request)
{
	const struct caller *caller = caller_of(request);
	const char *name = http_request_text(request, "table_name");
	const struct directory_table *table = caller_table(caller, name);
	if (!table && !caller->user->is_admin)
		return refuse_access(name);
	g_autoptr(edition) edition = publisher_edition(app_of(request)->publisher);
	const struct edition_table *entry = table ? edition_find(edition, table->name) : NULL;
	return entry && entry->table->file ? profile_table(request, table, entry->table)
					   : http_refuse(404, "No parquet for '%s'", name);
}

/* --- where metrics were once --- */

static struct http_response *redirect_metric(struct http_request *request)
{
	g_auto(GStrv) parts = g_strsplit(http_request_text(request, "metric_path"), ".yml", -1);
	g_autofree char *id = g_strjoinv("", parts);
	g_autofree char *escaped = g_uri_escape_string(id, "/", TRUE);
	g_autofree char *location = g_strconcat("/api/metrics/", escaped, NULL);
	return http_redirect(301, location);
}

static const struct http_field table_fields[] = {
	{"table_name", HTTP_IN_PATH, HTTP_STRING, .required = true,
	 .meaning = "its id or its name"},
	{0},
};
static const struct http_field metric_fields[] = {
	{"metric_path", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};

static const struct http_answer profiled[] = {{404, "The table has no profile"}, {0}};
static const struct http_answer refreshed[] = {{404, "The table has no file"},
					       {500, "It cannot be profiled"},
					       {503, "Other tables are being profiled"},
					       {0}};
static const struct http_answer moved[] = {{301, "Where the metric is now"}, {0}};

const struct http_route catalog_routes[] = {
	{HTTP_GET, "/api/catalog/tables", ACCESS_USER, .tag = "catalog",
	 .summary = "The tables that the caller may read", .handle = list_tables},
	{HTTP_GET, "/api/catalog/profile/{table_name}", ACCESS_USER, HTTP_BLOCKING,
	 .fields = table_fields, .tag = "catalog", .answers = profiled,
	 .summary = "The statistics of a table", .handle = get_profile},
	{HTTP_POST, "/api/catalog/profile/{table_name}/refresh", ACCESS_USER, HTTP_BLOCKING,
	 .fields = table_fields, .tag = "catalog", .answers = refreshed,
	 .summary = "Measure a table again", .handle = refresh_profile},
	{HTTP_GET, "/api/catalog/metrics/{metric_path...}", ACCESS_USER, .fields = metric_fields,
	 .tag = "catalog", .answers = moved, .summary = "Deprecated: see /api/metrics",
	 .handle = redirect_metric},
	{0},
};
