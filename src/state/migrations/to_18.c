/* 18: where a group outside provides the members, those whom the program had added itself go. */
#include "state/migrations/steps.h"

#include "duck/query.h"
#include "state/state.h"

static bool clear_google_groups(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error,
			 "DELETE FROM user_group_members WHERE source <> 'google_sync' "
			 "AND group_id IN (SELECT id FROM user_groups "
			 "WHERE created_by = 'system:google-sync')",
			 NULL);
}

static bool clear_everyone(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error,
			 "DELETE FROM user_group_members WHERE source = 'system_seed' "
			 "AND group_id IN (SELECT id FROM user_groups "
			 "WHERE name = 'Everyone' AND is_system)",
			 NULL);
}

/* Who came by configuration stays, and a row that does not say who added it. */
static bool clear_admin(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error,
			 "DELETE FROM user_group_members WHERE source = 'system_seed' "
			 "AND group_id IN (SELECT id FROM user_groups "
			 "WHERE name = 'Admin' AND is_system) "
			 "AND added_by NOT IN ('app.main:seed_admin', 'auth.bootstrap', "
			 "'app.auth.scheduler_token:ensure_scheduler_user')",
			 NULL);
}

bool migrate_to_18(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error)
{
	if (!state_catalog_has(catalog, "user_groups", NULL) ||
	    !state_catalog_has(catalog, "user_group_members", NULL))
		return true;
	return clear_google_groups(connection, error) &&
	       (!options->everyone_is_external || clear_everyone(connection, error)) &&
	       (!options->admin_is_external || clear_admin(connection, error));
}
