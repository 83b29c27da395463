/* The tables `marketplace_registry` and `marketplace_plugins`. */
#include "state/marketplaces.h"

#include "base/error.h"
#include "state/store.h"

#include <string.h>

static const struct record_field fields[] = {
	RECORD_FIELD(struct marketplace, id, RECORD_KEY),
	RECORD_FIELD(struct marketplace, name, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace, url, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace, branch, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace, token_env, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace, description, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace, registered_by, RECORD_KEPT),
	RECORD_TIME(struct marketplace, registered_at, RECORD_KEPT),
	RECORD_TIME(struct marketplace, last_synced_at, RECORD_KEPT),
	RECORD_FIELD(struct marketplace, last_commit_sha, RECORD_KEPT),
	RECORD_FIELD(struct marketplace, last_error, RECORD_KEPT),
};
const struct record_type marketplace_type = RECORD_TYPE("marketplace", "marketplace_registry",
							struct marketplace, fields);

static const struct record_field plugin_fields[] = {
	RECORD_FIELD(struct marketplace_plugin, marketplace_id, RECORD_KEY),
	RECORD_FIELD(struct marketplace_plugin, name, RECORD_KEY),
	RECORD_FIELD(struct marketplace_plugin, description, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace_plugin, version, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace_plugin, author_name, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace_plugin, homepage, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace_plugin, category, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace_plugin, source_type, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace_plugin, source_spec, RECORD_PLAIN),
	RECORD_FIELD(struct marketplace_plugin, raw, RECORD_PLAIN),
	RECORD_TIME(struct marketplace_plugin, updated_at, RECORD_PLAIN),
};
const struct record_type marketplace_plugin_type = RECORD_TYPE(
	"marketplace plugin", "marketplace_plugins", struct marketplace_plugin, plugin_fields);

struct marketplace *marketplaces_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &marketplace_type, "WHERE id = ?", "s", id);
}

GPtrArray *marketplaces_list(struct state *state, GError **error)
{
	return store_query(state, error, &marketplace_type, "ORDER BY name, id", NULL);
}

bool marketplaces_upsert(struct state *state, const struct marketplace *values, GError **error)
{
	struct marketplace row = *values;
	row.registered_at = g_get_real_time();
	row.last_synced_at = DUCK_NO_TIME;
	row.last_commit_sha = row.last_error = NULL;
	return store_upsert(state, &marketplace_type, &row, error);
}

bool marketplaces_delete(struct state *state, const char *id, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error))
		return false;
	return record_delete(session.connection, error, &marketplace_type, "WHERE id = ?", "s",
			     id) &&
	       duck_exec(session.connection, error,
			 "DELETE FROM marketplace_plugins WHERE marketplace_id = ?", "s", id) &&
	       duck_exec(session.connection, error,
			 "DELETE FROM resource_grants WHERE resource_type = 'marketplace_plugin' "
			 "AND starts_with(resource_id, ? || '/')",
			 "s", id) &&
	       duck_transaction_commit(&transaction, error);
}

bool marketplaces_finish_sync(struct state *state, const char *id, const char *commit_sha,
			      const char *problem, GError **error)
{
	if (!commit_sha && !problem)
		return true;
	/* The problem is NULL exactly when the last error is to be cleared. */
	int64_t changed = store_change(state, error,
				       "UPDATE marketplace_registry SET last_synced_at = ?, "
				       "last_commit_sha = coalesce(?, last_commit_sha), "
				       "last_error = ? WHERE id = ?",
				       "tsss", g_get_real_time(), commit_sha, problem, id);
	if (changed == 0)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND, "no such marketplace");
	return changed > 0;
}

/* One entry a row, numbered; a name is trimmed of whatever Unicode calls white space. */
static const char insert_plugins[] =
	"INSERT INTO marketplace_plugins BY NAME "
	"WITH entries AS ("
	" SELECT value AS entry, key::BIGINT AS position,"
	"  regexp_replace(value->>'name', '^[\\s\\pZ]+|[\\s\\pZ]+$', '', 'g') AS name,"
	"  nullif(json_type(value, '$.source'), 'NULL') AS kind"
	" FROM json_each(?::JSON) WHERE json_type(value, '$.name') = 'VARCHAR') "
	"SELECT DISTINCT ON (name) ? AS marketplace_id, name, entry->>'description' AS description,"
	" entry->>'version' AS version, entry->>'$.author.name' AS author_name,"
	" entry->>'homepage' AS homepage, entry->>'category' AS category,"
	" CASE WHEN kind = 'VARCHAR' THEN 'path'"
	"  WHEN json_type(entry, '$.source.source') = 'VARCHAR' THEN entry->>'$.source.source'"
	"  WHEN kind IS NOT NULL THEN 'unknown' END AS source_type,"
	" CASE WHEN kind IS NOT NULL THEN entry->'source' END AS source_spec,"
	" entry AS raw, ? AS updated_at "
	"FROM entries WHERE name <> '' ORDER BY position";

static bool check_entries(const json_t *entries, const char *id, GError **error)
{
	if (!json_is_array(entries)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the plugins of marketplace '%s' are not an array", id);
		return false;
	}
	if (json_array_size(entries) <= MARKETPLACE_PLUGINS_MAX)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "marketplace '%s' lists %zu plugins; at most %d are taken", id,
		    json_array_size(entries), MARKETPLACE_PLUGINS_MAX);
	return false;
}

int64_t marketplaces_replace_plugins(struct state *state, const char *id, const json_t *entries,
				     GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	if (!check_entries(entries, id, error))
		return -1;
	g_autofree char *text = json_to_text(entries);
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error))
		return -1;
	/* It may have been deleted while its catalogue was fetched. */
	g_autoptr(marketplace_record) registered = record_find(
		session.connection, error, &marketplace_type, "WHERE id = ?", "s", id);
	if (!registered ||
	    !duck_exec(session.connection, error,
		       "DELETE FROM marketplace_plugins WHERE marketplace_id = ?", "s", id))
		return -1;
	int64_t count = duck_change(session.connection, error, insert_plugins, "sst", text, id,
				    g_get_real_time());
	return count >= 0 && duck_transaction_commit(&transaction, error) ? count : -1;
}

GPtrArray *marketplaces_list_plugins(struct state *state, const char *id, GError **error)
{
	return store_query(state, error, &marketplace_plugin_type,
			   "WHERE marketplace_id = coalesce(?, marketplace_id) "
			   "ORDER BY marketplace_id, name",
			   "s", id);
}

static void decode(json_t *object, const char *column)
{
	const char *text = json_string_value(json_object_get(object, column));
	json_t *value = text ? json_parse(text, strlen(text), column, NULL) : NULL;
	if (value)
		json_object_set_new(object, column, value);
}

json_t *marketplaces_plugin_to_json(const struct marketplace_plugin *plugin)
{
	json_t *object = record_to_json(&marketplace_plugin_type, plugin);
	decode(object, "source_spec");
	decode(object, "raw");
	return object;
}
