/* The tables that steps 9 and 13 move rows into. */
#include "state/migrations/steps.h"

#include "state/schema.h"
#include "state/seeds.h"

bool migrate_make_groups(struct duck_connection *connection, const struct state_catalog *catalog,
			 GError **error)
{
	static const char *const names[] = {"user_groups", "user_group_members", "resource_grants"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (!state_catalog_has(catalog, names[i], NULL) &&
		    !schema_create_table(connection, schema_table(names[i]), error))
			return false;
	}
	return seeds_apply(connection, error);
}
