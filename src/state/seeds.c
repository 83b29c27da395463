/* The two system groups. */
#include "state/seeds.h"

#include "duck/query.h"

bool seeds_apply(struct duck_connection *connection, GError **error)
{
	return duck_exec(
		       connection, error,
		       "INSERT INTO user_groups "
		       "(id, name, description, is_system, created_at, created_by) "
		       "SELECT gen_random_uuid()::VARCHAR, name, description, TRUE, "
		       "current_timestamp, 'system:seed' "
		       "FROM (VALUES "
		       "('Admin', 'System: full access to all data and admin actions'), "
		       "('Everyone', 'System: default group every user is implicitly a member of')) "
		       "AS seed (name, description) "
		       "WHERE name NOT IN (SELECT name FROM user_groups)",
		       NULL) &&
	       duck_exec(connection, error,
			 "UPDATE user_groups SET is_system = TRUE "
			 "WHERE name IN ('Admin', 'Everyone') AND is_system IS DISTINCT FROM TRUE",
			 NULL);
}
