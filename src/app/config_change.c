/* Saving, comparing and masking. */
#include "app/config_change.h"

#include "base/error.h"
#include "config/config.h"

#include <string.h>

/* --- showing --- */

static const char *mask(const json_t *value)
{
	bool empty = json_is_null(value) || (json_is_string(value) && !json_string_length(value));
	return empty ? "<empty>" : "***";
}

json_t *config_change_masked(const json_t *value)
{
	const char *key;
	size_t index;
	json_t *child;
	if (json_is_object(value)) {
		json_t *copy = json_object();
		json_object_foreach((json_t *)value, key, child) json_object_set_new(
			copy, key,
			config_is_secret_name(key) ? json_string(mask(child))
						   : config_change_masked(child));
		return copy;
	}
	if (json_is_array(value)) {
		json_t *copy = json_array();
		json_array_foreach(value, index, child)
			json_array_append_new(copy, config_change_masked(child));
		return copy;
	}
	return json_deep_copy(value);
}

/* --- what a save changes --- */

static void add_difference(json_t *rows, const char *path, const json_t *before,
			   const json_t *after, bool secret)
{
	json_t *row = json_pack("{ss}", "path", path);
	json_object_set_new(row, "before",
			    secret   ? json_string(mask(before))
			    : before ? config_change_masked(before)
				     : json_null());
	json_object_set_new(row, "after",
			    secret  ? json_string(mask(after))
			    : after ? config_change_masked(after)
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
			secret || config_is_secret_name(key));
	}
	g_list_free(keys);
}

/* --- saving --- */

struct http_response *config_change_refuse(struct http_request *request, GError *error)
{
	if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CORRUPT))
		return http_refuse_error(request, error);
	g_autoptr(GError) owned = error;
	return http_refuse(500, "%s", owned->message);
}

bool config_change_save(struct app *app, const json_t *patch, const json_t *variables,
			json_t **rows, GError **error)
{
	/* So that what changed is told truly. */
	static GMutex one_at_a_time;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&one_at_a_time);
	g_autoptr(configuration) before = app_config(app);
	if ((variables && !config_save_variables(app->data_dir, variables, error)) ||
	    !config_save(app->data_dir, patch, error) || !app_reload_config(app, error))
		return false;
	g_autoptr(configuration) after = app_config(app);
	*rows = json_array();
	compare(*rows, "", config_sections(before), config_sections(after), false);
	return true;
}
