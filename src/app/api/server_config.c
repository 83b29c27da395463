/* /api/admin/server-config and /configure: the configuration, as far as administrators may change
 * it. */
#include "app/api/server_config_fields.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/routes.h"
#include "app/url_check.h"
#include "base/error.h"
#include "config/config.h"

#include <string.h>

static const char *const editable[] = {"instance", "data_source",  "email",   "telegram",
				       "jira",	   "theme",	   "server",  "auth",
				       "ai",	   "openmetadata", "desktop", "corporate_memory",
				       NULL};
static const char *const dangerous[] = {"auth", "server", NULL};
static const char *const secret_patterns[] = {"secret", "token", "password", "api_key", NULL};

static json_t *list_of(const char *const *texts)
{
	json_t *list = json_array();
	for (; *texts; texts++)
		json_array_append_new(list, json_string(*texts));
	return list;
}

static bool is_secret(const char *key)
{
	g_autofree char *lower = g_ascii_strdown(key, -1);
	for (const char *const *at = secret_patterns; *at; at++) {
		if (strstr(lower, *at))
			return true;
	}
	return false;
}

/* --- showing --- */

static const char *mask(const json_t *value)
{
	bool empty = json_is_null(value) || (json_is_string(value) && !json_string_length(value));
	return empty ? "<empty>" : "***";
}

static bool is_mask(const json_t *value)
{
	const char *text = json_string_value(value);
	return text && (strcmp(text, "***") == 0 || strcmp(text, "<empty>") == 0);
}

/* A copy in which no value under a secret name is to be seen, of whatever type. */
static json_t *masked(const json_t *value)
{
	const char *key;
	size_t index;
	json_t *child;
	if (json_is_object(value)) {
		json_t *copy = json_object();
		json_object_foreach((json_t *)value, key, child) json_object_set_new(
			copy, key, is_secret(key) ? json_string(mask(child)) : masked(child));
		return copy;
	}
	if (json_is_array(value)) {
		json_t *copy = json_array();
		json_array_foreach(value, index, child) json_array_append_new(copy, masked(child));
		return copy;
	}
	return json_deep_copy(value);
}

static void add_bigquery_defaults(json_t *sections)
{
	static const char *const defaults[][2] = {
		{"billing_project", "\"\""},
		{"legacy_wrap_views", "false"},
		{"max_bytes_per_materialize", "10737418240"},
	};
	json_t *bigquery = json_object_get(json_object_get(sections, "data_source"), "bigquery");
	for (size_t i = 0; json_is_object(bigquery) && i < G_N_ELEMENTS(defaults); i++) {
		if (!json_object_get(bigquery, defaults[i][0]))
			json_object_set_new(bigquery, defaults[i][0],
					    json_loads(defaults[i][1], JSON_DECODE_ANY, NULL));
	}
}

static struct http_response *get_server_config(struct http_request *request)
{
	g_autoptr(configuration) config = app_config(app_of(request));
	const json_t *all = config_sections(config);
	json_t *sections = json_object();
	for (const char *const *name = editable; *name; name++) {
		const json_t *section = json_object_get(all, *name);
		json_object_set_new(sections, *name, section ? masked(section) : json_object());
	}
	add_bigquery_defaults(sections);
	return http_json(200,
			 json_pack("{so so so so so}", "sections", sections, "editable_sections",
				   list_of(editable), "danger_sections", list_of(dangerous),
				   "secret_key_patterns", list_of(secret_patterns), "known_fields",
				   server_config_fields()));
}

/* --- what a save changes --- */

static void add_difference(json_t *rows, const char *path, const json_t *before,
			   const json_t *after, bool secret)
{
	json_t *row = json_pack("{ss}", "path", path);
	json_object_set_new(row, "before",
			    secret   ? json_string(mask(before))
			    : before ? masked(before)
				     : json_null());
	json_object_set_new(row, "after",
			    secret  ? json_string(mask(after))
			    : after ? masked(after)
				    : json_null());
	json_array_append_new(rows, row);
}

/* The keys of both, sorted; g_list_free() them. */
static GList *keys_of_both(const json_t *before, const json_t *after)
{
	g_autoptr(GHashTable) keys = g_hash_table_new(g_str_hash, g_str_equal);
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)before, key, value) g_hash_table_add(keys, (gpointer)key);
	json_object_foreach((json_t *)after, key, value) g_hash_table_add(keys, (gpointer)key);
	return g_list_sort(g_hash_table_get_keys(keys), (GCompareFunc)strcmp);
}

static bool object_or_nothing(const json_t *value)
{
	return !value || json_is_null(value) || json_is_object(value);
}

static void compare(json_t *rows, const char *path, const json_t *before, const json_t *after,
		    bool secret)
{
	bool descend = (json_is_object(before) || json_is_object(after)) &&
		       object_or_nothing(before) && object_or_nothing(after);
	if (!descend) {
		if (!json_equal(before, after) && (before || after))
			add_difference(rows, path, before, after, secret);
		return;
	}
	GList *keys = keys_of_both(before, after);
	for (GList *at = keys; at; at = at->next) {
		const char *key = at->data;
		g_autofree char *inner = *path ? g_strconcat(path, ".", key, NULL) : g_strdup(key);
		compare(rows, inner, json_object_get(before, key), json_object_get(after, key),
			secret || is_secret(key));
	}
	g_list_free(keys);
}

/* --- saving --- */

/* Whether a list is what the masked answer showed of the present one, secrets and all. */
static bool is_masked_list(const json_t *value, const json_t *present)
{
	if (!json_is_array(value) || json_equal(value, present))
		return false;
	g_autoptr(json_t) shown = masked(present);
	return json_equal(value, shown);
}

/*
 * Leaves that came from a masked answer say nothing: they must not overwrite the secret. A list
 * replaces the present one as a whole, so that one with masks is left out if nothing changed in it.
 */
static json_t *without_masks(const json_t *value, const json_t *present)
{
	const char *key;
	size_t index;
	json_t *child;
	if (json_is_array(value)) {
		json_t *copy = json_array();
		json_array_foreach(value, index, child)
			json_array_append_new(copy, without_masks(child, NULL));
		return copy;
	}
	if (!json_is_object(value))
		return json_deep_copy(value);
	json_t *copy = json_object();
	json_object_foreach((json_t *)value, key, child)
	{
		const json_t *now = json_object_get(present, key);
		bool says_nothing = is_secret(key) ? is_mask(child) : is_masked_list(child, now);
		if (!says_nothing)
			json_object_set_new(copy, key, without_masks(child, now));
	}
	return copy;
}

static char *join(json_t *list)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t index;
	json_t *item;
	json_array_foreach(list, index, item)
		g_string_append_printf(text, "%s%s", index ? ", " : "", json_string_value(item));
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The sections of the patch, sorted, that are (or are not) in the list. */
static json_t *sections_in(const json_t *patch, const char *const *list, bool wanted)
{
	json_t *found = json_array();
	GList *keys = keys_of_both(patch, NULL);
	for (GList *at = keys; at; at = at->next) {
		if ((g_strv_contains(list, at->data) != 0) == wanted)
			json_array_append_new(found, json_string(at->data));
	}
	g_list_free(keys);
	return found;
}

static struct http_response *refuse_patch(const struct http_request *request, const json_t *patch)
{
	g_autoptr(json_t) unknown = sections_in(patch, editable, false);
	g_autoptr(json_t) danger = sections_in(patch, dangerous, true);
	if (json_object_size(patch) == 0)
		return http_refuse(422, "sections cannot be empty");
	if (json_array_size(unknown) > 0) {
		g_autofree char *names = join(unknown);
		g_autofree char *known = g_strjoinv(", ", (char **)editable);
		return http_refuse(400, "unknown section(s): %s. Editable: %s", names, known);
	}
	if (json_array_size(danger) > 0 && !http_request_bool(request, "confirm_danger")) {
		g_autofree char *names = join(danger);
		return http_refuse(400, "section(s) %s require confirm_danger=true", names);
	}
	const json_t *keboola = json_object_get(json_object_get(patch, "data_source"), "keboola");
	const char *url = json_string_value(json_object_get(keboola, "stack_url"));
	return url && *url ? url_check_refuse("data_source.keboola.stack_url", url) : NULL;
}

static struct http_response *refuse_save(struct http_request *request, GError *error)
{
	if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CORRUPT))
		return http_refuse_error(request, error);
	g_autoptr(GError) owned = error;
	return http_refuse(500, "%s", owned->message);
}

/* Saves and reads again; *rows is what changed. One save at a time, so that it is told truly. */
static bool save(struct app *app, const json_t *patch, json_t **rows, GError **error)
{
	static GMutex one_at_a_time;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&one_at_a_time);
	g_autoptr(configuration) before = app_config(app);
	if (!config_save(app->data_dir, patch, error) || !app_reload_config(app, error))
		return false;
	g_autoptr(configuration) after = app_config(app);
	*rows = json_array();
	compare(*rows, "", config_sections(before), config_sections(after), false);
	return true;
}

static struct http_response *update_server_config(struct http_request *request)
{
	GError *error = NULL;
	json_t *rows;
	const json_t *given = http_request_value(request, "sections");
	struct http_response *refusal = refuse_patch(request, given);
	if (refusal)
		return refusal;
	g_autoptr(configuration) config = app_config(app_of(request));
	g_autoptr(json_t) patch = without_masks(given, config_sections(config));
	if (!save(app_of(request), patch, &rows, &error))
		return refuse_save(request, error);
	json_t *sections = sections_in(given, editable, true);
	json_int_t count = (json_int_t)json_array_size(rows);
	audit_caller(request, "instance_config.update", NULL, "instance.yaml",
		     json_pack("{sO so so sI}", "sections", sections, "danger_sections",
			       sections_in(given, dangerous, true), "diff", rows, "diff_count",
			       count));
	return http_json(200, json_pack("{ss sb so sI}", "status", "ok", "restart_required", true,
					"sections_updated", sections, "diff_count", count));
}

static char *check_sections(const json_t *value)
{
	const char *key;
	json_t *section;
	json_object_foreach((json_t *)value, key, section)
	{
		if (!json_is_object(section))
			return g_strdup_printf("section '%s' must be an object", key);
	}
	return NULL;
}

/* --- the first configuration, by the set-up page --- */

static struct http_response *refuse_keboola(const struct http_request *request)
{
	const char *token = http_request_text(request, "keboola_token");
	const char *url = http_request_text(request, "keboola_url");
	if (!token || !*token || !url || !*url)
		return http_refuse(400, "keboola_token and keboola_url are required for Keboola "
					"data source");
	struct http_response *refusal = url_check_refuse("keboola_url", url);
	/* Without the connector nothing can be tested, and an untested token is not 'verified'. */
	return refusal ? refusal
		       : http_refuse(400, "Keboola connection failed. Check your token and URL.");
}

static struct http_response *refuse_source(const struct http_request *request, const char *source)
{
	const char *project = http_request_text(request, "bigquery_project");
	if (strcmp(source, "local") == 0)
		return NULL;
	if (strcmp(source, "keboola") == 0)
		return refuse_keboola(request);
	if (strcmp(source, "bigquery") != 0)
		return http_refuse(400, "data_source must be 'keboola', 'bigquery', or 'local'");
	return project && *project
		       ? NULL
		       : http_refuse(400, "bigquery_project is required for BigQuery data source");
}

static json_t *patch_of(const struct http_request *request, const char *source)
{
	const char *location = http_request_text(request, "bigquery_location");
	const char *name = http_request_text(request, "instance_name");
	const char *domain = http_request_text(request, "allowed_domain");
	json_t *data_source = json_pack("{ss}", "type", source);
	if (strcmp(source, "bigquery") == 0)
		json_object_set_new(data_source, "bigquery",
				    json_pack("{ss ss}", "project",
					      http_request_text(request, "bigquery_project"),
					      "location", location && *location ? location : "us"));
	json_t *patch = json_pack("{so}", "data_source", data_source);
	if (name && *name)
		json_object_set_new(patch, "instance", json_pack("{ss}", "name", name));
	if (domain && *domain)
		json_object_set_new(patch, "auth", json_pack("{ss}", "allowed_domain", domain));
	return patch;
}

static struct http_response *configure(struct http_request *request)
{
	GError *error = NULL;
	json_t *rows;
	const char *source = http_request_text(request, "data_source");
	struct http_response *refusal = refuse_source(request, source);
	if (refusal)
		return refusal;
	g_autoptr(json_t) patch = patch_of(request, source);
	if (!save(app_of(request), patch, &rows, &error))
		return refuse_save(request, error);
	audit_caller(request, "instance_config.configure", NULL, "instance.yaml",
		     json_pack("{ss so}", "data_source", source, "diff", rows));
	bool local = strcmp(source, "local") == 0;
	return http_json(200, json_pack("{ss ss ss}", "status", "ok", "data_source", source,
					"connection", local ? "local" : "not tested"));
}

static const struct http_field update_fields[] = {
	{"sections", HTTP_IN_BODY, HTTP_OBJECT, .initial = "{}", .check = check_sections,
	 .meaning = "what changes, by section"},
	{"confirm_danger", HTTP_IN_BODY, HTTP_BOOLEAN, .initial = "false",
	 .meaning = "needed for the sections that can lock everybody out"},
	{0},
};
static const struct http_field configure_fields[] = {
	{"data_source", HTTP_IN_BODY, HTTP_STRING, .required = true,
	 .meaning = "keboola, bigquery or local"},
	{"keboola_token", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"keboola_url", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"bigquery_project", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"bigquery_location", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"instance_name", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"allowed_domain", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{0},
};
static const struct http_answer refused[] = {
	{400, "A section or value that cannot be"}, {500, "The file on disk is corrupt"}, {0}};

const struct http_route server_config_routes[] = {
	{HTTP_GET, "/api/admin/server-config", ACCESS_ADMIN, .tag = "admin",
	 .summary = "The configuration, without its secrets", .handle = get_server_config},
	{HTTP_POST, "/api/admin/server-config", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = update_fields, .tag = "admin", .answers = refused,
	 .summary = "Change the configuration", .handle = update_server_config},
	{HTTP_POST, "/api/admin/configure", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = configure_fields, .tag = "admin", .answers = refused,
	 .summary = "Choose the source of the data", .handle = configure},
	{0},
};
