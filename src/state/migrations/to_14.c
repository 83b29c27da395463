/* 14: memberships and grants refer to their group by a foreign key; those of none go. */
#include "state/migrations/steps.h"

#include "state/rebuild.h"

#define GROUP_KEY "FOREIGN KEY (group_id) REFERENCES user_groups(id)"

bool migrate_to_14(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error)
{
	static const char *const names[] = {"user_group_members", "resource_grants"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const struct catalog_table *table = state_catalog_table(catalog, names[i]);
		if (!table || g_hash_table_contains(table->keys, GROUP_KEY))
			continue;
		if (!rebuild_table(connection, names[i], "group_id IN (SELECT id FROM user_groups)",
				   error))
			return false;
	}
	return true;
}
