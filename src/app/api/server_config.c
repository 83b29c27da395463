/* /api/admin/server-config: the configuration, as far as administrators may change it. */
#include "app/api/server_config_fields.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/config_change.h"
#include "app/routes.h"
#include "app/url_check.h"
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

static bool is_mask(const json_t *value)
{
	const char *text = json_string_value(value);
	return text && (strcmp(text, "***") == 0 || strcmp(text, "<empty>") == 0);
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
		json_object_set_new(sections, *name,
				    section ? config_change_masked(section) : json_object());
	}
	add_bigquery_defaults(sections);
	return http_json(200,
			 json_pack("{so so so so so}", "sections", sections, "editable_sections",
				   list_of(editable), "danger_sections", list_of(dangerous),
				   "secret_key_patterns", list_of(secret_patterns), "known_fields",
				   server_config_fields()));
}

/* --- saving --- */

/* Whether a list is what the masked answer showed of the present one, secrets and all. */
static bool is_masked_list(const json_t *value, const json_t *present)
{
	if (!json_is_array(value) || json_equal(value, present))
		return false;
	g_autoptr(json_t) shown = config_change_masked(present);
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
		bool says_nothing = config_is_secret_name(key) ? is_mask(child)
							       : is_masked_list(child, now);
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
	const char *name;
	json_t *section;
	json_t *found = json_array();
	g_autoptr(GList) names = NULL;
	json_object_foreach((json_t *)patch, name, section)
	{
		if ((g_strv_contains(list, name) != 0) == wanted)
			names = g_list_insert_sorted(names, (gpointer)name, (GCompareFunc)strcmp);
	}
	for (GList *at = names; at; at = at->next)
		json_array_append_new(found, json_string(at->data));
	return found;
}

static struct http_response *refuse_patch(const struct http_request *request,
					  const struct configuration *config, const json_t *patch)
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
	return url && *url ? url_check_refuse(config, "data_source.keboola.stack_url", url, NULL)
			   : NULL;
}

static struct http_response *update_server_config(struct http_request *request)
{
	GError *error = NULL;
	json_t *rows;
	const json_t *given = http_request_value(request, "sections");
	g_autoptr(configuration) config = app_config(app_of(request));
	struct http_response *refusal = refuse_patch(request, config, given);
	if (refusal)
		return refusal;
	g_autoptr(json_t) patch = without_masks(given, config_sections(config));
	if (!config_change_save(app_of(request), patch, NULL, &rows, &error))
		return config_change_refuse(request, error);
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

static const struct http_field update_fields[] = {
	{"sections", HTTP_IN_BODY, HTTP_OBJECT, .initial = "{}", .check = check_sections,
	 .meaning = "what changes, by section"},
	{"confirm_danger", HTTP_IN_BODY, HTTP_BOOLEAN, .initial = "false",
	 .meaning = "needed for the sections that can lock everybody out"},
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
	{0},
};
