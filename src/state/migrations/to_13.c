/* 13: groups from Google, core.admin and access to plugins become memberships and grants. */
#include "state/migrations/steps.h"

#include "duck/query.h"
#include "duck/sql.h"

/* users.groups is a JSON array of names; anything else in it is not for us. */
static bool move_google_groups(struct duck_connection *connection, GError **error)
{
	return duck_exec(
		connection, error,
		"INSERT INTO user_group_members (user_id, group_id, source, added_by) "
		"SELECT DISTINCT named.user_id, g.id, 'google_sync', 'system:v13-backfill' "
		"FROM (SELECT id AS user_id, unnest(CASE WHEN json_valid(groups::VARCHAR) "
		"AND json_type(groups::VARCHAR) = 'ARRAY' "
		"THEN json_extract(groups::VARCHAR, '$[*]') END) AS element FROM users) named "
		"JOIN user_groups g ON g.name = (element ->> '$') "
		"WHERE json_type(element) = 'VARCHAR' AND trim(element ->> '$') <> '' "
		"ON CONFLICT DO NOTHING",
		NULL);
}

static bool move_admins(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error,
			 "INSERT INTO user_group_members (user_id, group_id, source, added_by) "
			 "SELECT DISTINCT r.user_id, g.id, 'system_seed', 'system:v13-backfill' "
			 "FROM user_role_grants r JOIN internal_roles i "
			 "ON i.id = r.internal_role_id AND i.key = 'core.admin', user_groups g "
			 "WHERE g.name = 'Admin' ON CONFLICT DO NOTHING",
			 NULL);
}

static bool add_everyone(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error,
			 "INSERT INTO user_group_members (user_id, group_id, source, added_by) "
			 "SELECT u.id, g.id, 'system_seed', 'system:v13-backfill' "
			 "FROM users u, user_groups g "
			 "WHERE g.name = 'Everyone' AND u.id IS NOT NULL ON CONFLICT DO NOTHING",
			 NULL);
}

/* Access for a group that is gone goes with it. */
static bool move_plugin_access(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error,
			 "INSERT INTO resource_grants "
			 "(id, group_id, resource_type, resource_id, assigned_at, assigned_by) "
			 "SELECT gen_random_uuid()::VARCHAR, p.group_id, 'marketplace_plugin', "
			 "p.marketplace_id || '/' || p.plugin_name, p.granted_at, p.granted_by "
			 "FROM plugin_access p JOIN user_groups g ON g.id = p.group_id "
			 "ON CONFLICT DO NOTHING",
			 NULL);
}

/* Roles that are not core ones have no successor: say which are lost. */
static bool report_lost_roles(struct duck_connection *connection, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT i.key, count(r.user_id) FROM internal_roles i "
		"LEFT JOIN user_role_grants r ON r.internal_role_id = i.id "
		"WHERE NOT starts_with(i.key, 'core.') GROUP BY i.key ORDER BY i.key",
		NULL);
	if (!rows)
		return false;
	while (duck_rows_next(rows)) {
		const char *key = duck_rows_text(rows, 0);
		g_warning("state: the role %s has no successor; %" G_GINT64_FORMAT
			  " users who had it need grants",
			  key, (gint64)duck_rows_int(rows, 1));
	}
	return true;
}

static bool drop_legacy(struct duck_connection *connection, GError **error)
{
	/* Referring tables first. */
	static const char *const legacy[] = {"plugin_access", "user_role_grants", "group_mappings",
					     "internal_roles"};
	for (size_t i = 0; i < G_N_ELEMENTS(legacy); i++) {
		g_autofree char *sql = duck_sql("DROP TABLE IF EXISTS %I", legacy[i]);
		if (!duck_exec(connection, error, sql, NULL))
			return false;
	}
	return true;
}

/* users.groups itself stays until 19 makes the table anew. */
bool migrate_to_13(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error)
{
	bool roles = state_catalog_has(catalog, "internal_roles", "key") &&
		     state_catalog_has(catalog, "user_role_grants", "internal_role_id");
	if (!migrate_make_groups(connection, catalog, error))
		return false;
	if (state_catalog_has(catalog, "users", "groups") && !move_google_groups(connection, error))
		return false;
	if (roles && (!move_admins(connection, error) || !report_lost_roles(connection, error)))
		return false;
	if (state_catalog_has(catalog, "users", "id") && !add_everyone(connection, error))
		return false;
	if (state_catalog_has(catalog, "plugin_access", "plugin_name") &&
	    !move_plugin_access(connection, error))
		return false;
	return drop_legacy(connection, error);
}
