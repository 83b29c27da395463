/* /api/sync: the manifest, and which datasets a user wants. */
#include "app/app.h"
#include "app/manifest.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/wire.h"
#include "base/error.h"
#include "state/sync_settings.h"

static struct http_response *get_manifest(struct http_request *request)
{
	struct app *app = app_of(request);
	const struct caller *caller = caller_of(request);
	g_autoptr(edition) edition = publisher_edition(app->publisher);
	g_auto(manifest) manifest = {0};
	manifests_get(app->manifests, caller->directory, caller->user, edition, &manifest);
	struct http_response *response = http_json_bytes(200, manifest.body);
	http_response_etag(response, manifest.etag);
	return response;
}

/* --- settings --- */

/* Older programs show two columns that nothing fills. */
static json_t *describe_setting(const struct sync_setting *row)
{
	return json_pack("{ss ss sb ss sn so}", "user_id", row->user_id, "dataset", row->dataset,
			 "enabled", row->enabled, "table_mode", "all", "tables", "updated_at",
			 wire_time(row->updated_at));
}

/* The caller's settings as a list under `member`; with the names of the enabled ones if asked. */
static struct http_response *answer_settings(struct http_request *request, const char *member,
					     bool with_enabled)
{
	GError *error = NULL;
	const char *user = caller_of(request)->user->row->id;
	g_autoptr(GPtrArray) settings = sync_settings_list(app_of(request)->state, user, &error);
	if (!settings)
		return http_refuse_error(request, error);
	json_t *list = json_array(), *enabled = json_array();
	for (guint i = 0; i < settings->len; i++) {
		const struct sync_setting *row = settings->pdata[i];
		json_array_append_new(list, describe_setting(row));
		if (row->enabled)
			json_array_append_new(enabled, json_string(row->dataset));
	}
	json_t *answer = json_pack("{ss so}", "user_id", user, member, list);
	if (with_enabled)
		json_object_set(answer, "enabled_datasets", enabled);
	json_decref(enabled);
	return http_json(200, answer);
}

static struct http_response *get_sync_settings(struct http_request *request)
{
	return answer_settings(request, "settings", true);
}

static struct http_response *get_subscriptions(struct http_request *request)
{
	return answer_settings(request, "subscriptions", false);
}

static struct http_response *get_settings(struct http_request *request)
{
	return answer_settings(request, "sync_settings", false);
}

/* A dataset is a table, by whichever of its names; one that cannot be read is like one that is not.
 */
static bool may_use(const struct http_request *request, const char *dataset)
{
	const struct caller *caller = caller_of(request);
	const struct directory_table *table = directory_table(caller->directory, dataset);
	return directory_may(caller->directory, caller->user, GRANTS_TABLE,
			     table ? table->id : dataset);
}

static char *check_flags(const json_t *value)
{
	const char *key;
	json_t *flag;
	json_object_foreach((json_t *)value, key, flag)
	{
		if (!json_is_boolean(flag))
			return g_strdup_printf("'%s' must be true or false", key);
	}
	return NULL;
}

static void add_setting(GPtrArray *settings, const struct http_request *request,
			const char *dataset, const json_t *flag)
{
	struct sync_setting *setting = g_new0(struct sync_setting, 1);
	setting->user_id = caller_of(request)->user->row->id;
	setting->dataset = dataset;
	setting->enabled = json_is_true(flag);
	setting->updated_at = g_get_real_time();
	g_ptr_array_add(settings, setting);
}

static struct http_response *update_sync_settings(struct http_request *request)
{
	GError *error = NULL;
	const char *dataset;
	json_t *flag;
	g_autoptr(GPtrArray) settings = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(json_t) updated = json_object();
	json_object_foreach(http_request_value(request, "datasets"), dataset, flag)
	{
		bool may = may_use(request, dataset);
		if (may)
			add_setting(settings, request, dataset, flag);
		json_object_set_new(updated, dataset,
				    may ? json_pack("{sO}", "enabled", flag)
					: json_pack("{ss}", "error", "no permission"));
	}
	if (!sync_settings_set_all(app_of(request)->state, settings, &error))
		return http_refuse_error(request, error);
	return http_json(200, json_pack("{sO}", "updated", updated));
}

/* Only of tables that are there for the caller: nobody shall fill the state with names. */
static struct http_response *update_subscriptions(struct http_request *request)
{
	GError *error = NULL;
	const char *table;
	json_t *flag;
	g_autoptr(GPtrArray) settings = g_ptr_array_new_with_free_func(g_free);
	json_object_foreach(http_request_value(request, "tables"), table, flag)
	{
		if (caller_table(caller_of(request), table))
			add_setting(settings, request, table, flag);
	}
	if (!sync_settings_set_all(app_of(request)->state, settings, &error))
		return http_refuse_error(request, error);
	return http_json(200, json_pack("{ss sI}", "table_mode",
					http_request_text(request, "table_mode"), "updated",
					(json_int_t)settings->len));
}

static struct http_response *update_dataset(struct http_request *request)
{
	GError *error = NULL;
	const char *dataset = http_request_text(request, "dataset");
	bool enabled = http_request_bool(request, "enabled");
	if (!may_use(request, dataset))
		return http_refuse(403, "No access to dataset '%s'", dataset);
	if (!sync_settings_set(app_of(request)->state, caller_of(request)->user->row->id, dataset,
			       enabled, &error))
		return http_refuse_error(request, error);
	return http_json(200, json_pack("{ss sb}", "dataset", dataset, "enabled", enabled));
}

static const struct http_field settings_fields[] = {
	{"datasets", HTTP_IN_BODY, HTTP_OBJECT, .required = true, .check = check_flags,
	 .meaning = "true or false by dataset"},
	{0},
};
static const struct http_field subscription_fields[] = {
	{"table_mode", HTTP_IN_BODY, HTTP_STRING, .initial = "\"all\""},
	{"tables", HTTP_IN_BODY, HTTP_OBJECT, .initial = "{}", .check = check_flags,
	 .meaning = "true or false by table"},
	{0},
};
static const struct http_field dataset_fields[] = {
	{"dataset", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"enabled", HTTP_IN_BODY, HTTP_BOOLEAN, .required = true},
	{0},
};
static const struct http_answer unchanged[] = {
	{304, "The manifest with this ETag still holds"}, {200, "The manifest"}, {0}};

const struct http_route sync_routes[] = {
	{HTTP_GET, "/api/sync/manifest", ACCESS_USER, .tag = "sync", .answers = unchanged,
	 .summary = "The tables that the caller may read, and their versions",
	 .handle = get_manifest},
	{HTTP_GET, "/api/sync/settings", ACCESS_USER, HTTP_BLOCKING, .tag = "sync",
	 .summary = "Which datasets the caller wants", .handle = get_sync_settings},
	{HTTP_POST, "/api/sync/settings", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON,
	 .fields = settings_fields, .tag = "sync", .summary = "Choose datasets",
	 .handle = update_sync_settings},
	{HTTP_GET, "/api/sync/table-subscriptions", ACCESS_USER, HTTP_BLOCKING, .tag = "sync",
	 .summary = "Which tables the caller wants", .handle = get_subscriptions},
	{HTTP_POST, "/api/sync/table-subscriptions", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON,
	 .fields = subscription_fields, .tag = "sync", .summary = "Choose tables",
	 .handle = update_subscriptions},
	{HTTP_GET, "/api/settings", ACCESS_USER, HTTP_BLOCKING, .tag = "settings",
	 .summary = "The caller's settings", .handle = get_settings},
	{HTTP_PUT, "/api/settings/dataset", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON,
	 .fields = dataset_fields, .tag = "settings", .summary = "Choose one dataset",
	 .handle = update_dataset},
	{0},
};
