/* The ladder: one row a version, and what runs it. */
#include "state/migrations/migrations.h"

#include "base/error.h"
#include "duck/query.h"
#include "state/catalog.h"
#include "state/migrations/steps.h"
#include "state/schema.h"

static const struct migration {
	int version;
	const char *what;
	const char *table, *sql; /* run first, when the table exists */
	migration_step run;	 /* then this */
} ladder[] = {
	{2, "where a table comes from and when it is synced", "table_registry",
	 "ALTER TABLE table_registry ADD COLUMN IF NOT EXISTS source_type VARCHAR;"
	 "ALTER TABLE table_registry ADD COLUMN IF NOT EXISTS bucket VARCHAR;"
	 "ALTER TABLE table_registry ADD COLUMN IF NOT EXISTS source_table VARCHAR;"
	 "ALTER TABLE table_registry ADD COLUMN IF NOT EXISTS query_mode VARCHAR DEFAULT 'local';"
	 "ALTER TABLE table_registry ADD COLUMN IF NOT EXISTS sync_schedule VARCHAR;"
	 "ALTER TABLE table_registry "
	 "ADD COLUMN IF NOT EXISTS profile_after_sync BOOLEAN DEFAULT TRUE"},
	{3, "public tables, which 19 took away again"},
	{4, "metrics and descriptions of columns"},
	{5, "users can be deactivated", "users",
	 "ALTER TABLE users ADD COLUMN IF NOT EXISTS active BOOLEAN DEFAULT TRUE;"
	 "ALTER TABLE users ADD COLUMN IF NOT EXISTS deactivated_at TIMESTAMP;"
	 "ALTER TABLE users ADD COLUMN IF NOT EXISTS deactivated_by VARCHAR;"
	 "UPDATE users SET active = TRUE WHERE active IS NULL"},
	{6, "personal access tokens"},
	{7, "where a token was used", "personal_access_tokens",
	 "ALTER TABLE personal_access_tokens ADD COLUMN IF NOT EXISTS last_used_ip VARCHAR"},
	{8, "roles, which 13 took away again"},
	{9, "the role of a user becomes a membership", NULL, NULL, migrate_to_9},
	{10, "which source owns a view"},
	{11, "marketplaces"},
	{12, "system groups", "user_groups",
	 "ALTER TABLE user_groups ADD COLUMN IF NOT EXISTS is_system BOOLEAN DEFAULT FALSE"},
	{13, "memberships and grants instead of roles", NULL, NULL, migrate_to_13},
	{14, "memberships and grants belong to a group", NULL, NULL, migrate_to_14},
	{15, "where knowledge comes from", "knowledge_items",
	 "ALTER TABLE knowledge_items "
	 "ADD COLUMN IF NOT EXISTS source_type VARCHAR DEFAULT 'claude_local_md';"
	 "UPDATE knowledge_items SET source_type = 'claude_local_md' WHERE source_type IS NULL"},
	{16, "evidence"},
	{17, "relations between knowledge items"},
	{18, "members whom a group outside now provides", NULL, NULL, migrate_to_18},
	{19, "the last legacy tables and columns go", NULL, NULL, migrate_to_19},
	{20, "tables made by a query", "table_registry",
	 "ALTER TABLE table_registry ADD COLUMN IF NOT EXISTS source_query VARCHAR"},
};

/*
 * What a version is known by, newest first. 18 leaves no trace; a file of 17 counts as 18, because
 * what step 18 deletes cannot be had back.
 */
static const struct marker {
	int version;
	const char *table, *column;
} markers[] = {
	{20, "table_registry", "source_query"},
	{18, "knowledge_item_relations", NULL},
	{16, "verification_evidence", NULL},
	{15, "knowledge_items", "source_type"},
	{13, "user_group_members", NULL},
	{12, "users", "groups"},
	{11, "marketplace_registry", NULL},
	{10, "view_ownership", NULL},
	{9, "user_role_grants", NULL},
	{8, "internal_roles", NULL},
	{7, "personal_access_tokens", "last_used_ip"},
	{6, "personal_access_tokens", NULL},
	{5, "users", "active"},
	{4, "metric_definitions", NULL},
	{3, "table_registry", "is_public"},
	{2, "table_registry", "source_type"},
	{1, "users", NULL},
	{1, "sync_state", NULL},
	{1, "table_registry", NULL},
};

int migrations_guess_version(const struct state_catalog *catalog)
{
	for (size_t i = 0; i < G_N_ELEMENTS(markers); i++) {
		if (state_catalog_has(catalog, markers[i].table, markers[i].column))
			return markers[i].version;
	}
	return 0;
}

static bool set_version(struct duck_connection *connection, int version, GError **error)
{
	return duck_exec(connection, error,
			 "UPDATE schema_version SET version = ?, applied_at = current_timestamp",
			 "i", (int64_t)version);
}

static bool take_step(struct duck_connection *connection, const struct migration *step,
		      const struct state_options *options, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	g_autoptr(state_catalog) catalog = state_catalog_read(connection, error);
	if (!catalog || !duck_transaction_begin(&transaction, connection, error))
		return false;
	if (step->sql && state_catalog_has(catalog, step->table, NULL) &&
	    !duck_exec(connection, error, step->sql, NULL))
		return false;
	if (step->run && !step->run(connection, catalog, options, error))
		return false;
	return set_version(connection, step->version, error) &&
	       duck_transaction_commit(&transaction, error);
}

bool migrations_run(struct duck_connection *connection, int from,
		    const struct state_options *options, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ladder); i++) {
		if (ladder[i].version <= from)
			continue;
		if (!take_step(connection, &ladder[i], options, error)) {
			g_prefix_error(error,
				       "migration to version %d (%s) failed: ", ladder[i].version,
				       ladder[i].what);
			return false;
		}
		g_info("state: migrated to version %d: %s", ladder[i].version, ladder[i].what);
	}
	return true;
}
