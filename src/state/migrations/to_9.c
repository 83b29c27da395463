/*
 * 9: roles became grants of roles, which 13 made memberships. The two steps together keep only
 * this: an admin is a member of Admin. So that is done at once, and the tables in between are never
 * made.
 */
#include "state/migrations/steps.h"

#include "duck/query.h"

bool migrate_to_9(struct duck_connection *connection, const struct state_catalog *catalog,
		  const struct state_options *options, GError **error)
{
	if (!state_catalog_has(catalog, "users", "role"))
		return true;
	return migrate_make_groups(connection, catalog, error) &&
	       duck_exec(connection, error,
			 "INSERT INTO user_group_members (user_id, group_id, source, added_by) "
			 "SELECT u.id, g.id, 'system_seed', 'system:v13-backfill' "
			 "FROM users u, user_groups g WHERE u.role = 'admin' AND g.name = 'Admin' "
			 "ON CONFLICT DO NOTHING",
			 NULL);
}
