/* 19: permissions by dataset, roles and public tables go. Their contents have no successor. */
#include "state/migrations/steps.h"

#include "duck/query.h"
#include "state/rebuild.h"

bool migrate_to_19(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error)
{
	if (!duck_exec(connection, error,
		       "DROP TABLE IF EXISTS dataset_permissions;"
		       "DROP TABLE IF EXISTS access_requests",
		       NULL))
		return false;
	bool users = state_catalog_has(catalog, "users", "role") ||
		     state_catalog_has(catalog, "users", "groups");
	if (users && !rebuild_table(connection, "users", NULL, error))
		return false;
	return !state_catalog_has(catalog, "table_registry", "is_public") ||
	       rebuild_table(connection, "table_registry", NULL, error);
}
