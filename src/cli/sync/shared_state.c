/* The state that is shared with older clients. */
#include "cli/sync/shared_state.h"

#include "base/error.h"
#include "base/files.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <stdio.h>

#define STATE_FILE "sync_state.json"

enum { LOCK_MILLISECONDS = 5000, PRIVATE_FILE = 0600 };

static void set_aside(const GError *error)
{
	g_autofree char *path = settings_path(STATE_FILE);
	g_autofree char *aside = g_strconcat(path, ".broken", NULL);
	output_warn("Warning: %s; it is kept as %s\n", error->message, aside);
	if (rename(path, aside) < 0)
		g_debug("cannot rename %s", path);
}

/* What the file says; an empty object when there is none or it makes no sense. */
static json_t *load(void)
{
	g_autoptr(GError) error = NULL;
	json_t *state = settings_read_json(STATE_FILE, &error);
	if (error)
		set_aside(error);
	return state ? state : json_object();
}

GHashTable *shared_state_tokens(void)
{
	const char *name;
	json_t *table;
	GHashTable *tokens = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(json_t) state = load();
	json_object_foreach(json_object_get(state, "tables"), name, table)
	{
		const char *hash = json_string_value(json_object_get(table, "hash"));
		if (hash && *hash)
			g_hash_table_insert(tokens, g_strdup(name), g_strdup(hash));
	}
	return tokens;
}

static void merge(json_t *root, const struct sync_state *state, const json_t *removed)
{
	size_t i;
	const json_t *name;
	json_t *tables = json_object_get(root, "tables");
	g_autoptr(json_t) ours = sync_state_tables(state);
	if (!json_is_object(tables)) {
		tables = json_object();
		json_object_set_new(root, "tables", tables);
	}
	json_object_update(tables, ours);
	json_array_foreach(removed, i, name) json_object_del(tables, json_string_value(name));
	json_object_set_new(root, "last_sync", json_string(state->last_sync));
}

bool shared_state_update(const struct sync_state *state, const json_t *removed, GError **error)
{
	g_autofree char *folder = settings_folder();
	g_autofree char *lock_path = settings_path(".lock");
	if (!files_make_folder(folder, error))
		return false;
	AUTO_FD lock = files_lock(lock_path, LOCK_MILLISECONDS, error);
	if (lock < 0)
		return false;
	g_autoptr(json_t) root = load();
	merge(root, state, removed);
	return settings_write_json(STATE_FILE, root, JSON_INDENT(2) | JSON_ENSURE_ASCII, error);
}
