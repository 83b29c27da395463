/* Views over parquet files. */
#include "cli/engine/views.h"

#include "base/error.h"
#include "base/order.h"
#include "cli/engine/local.h"
#include "cli/sync/download.h"
#include "cli/workspace/snapshots.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/names.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#define ENDING ".parquet"

enum owner { OWNER_NOBODY, OWNER_USER, OWNER_TABLE, OWNER_SNAPSHOT };

/* What one refresh works with. */
struct refresh {
	const struct workspace *workspace;
	struct sync_state *state;
	struct views_report *report;
	struct duck_connection *connection;
	GHashTable *files;  /* names of tables that have a file */
	GHashTable *broken; /* names that DuckDB could not read in an earlier round */
	GHashTable *owners; /* lower-case name -> enum owner */
	GHashTable *second; /* names that differ from another table's by case only */
	bool all;	    /* the workspace has moved */
};

static void refresh_clear(struct refresh *refresh)
{
	g_clear_pointer(&refresh->files, g_hash_table_unref);
	g_clear_pointer(&refresh->broken, g_hash_table_unref);
	g_clear_pointer(&refresh->owners, g_hash_table_unref);
	g_clear_pointer(&refresh->second, g_hash_table_unref);
}
DEFINE_AUTO(refresh)

void views_report_clear(struct views_report *report)
{
	g_clear_pointer(&report->broken, g_ptr_array_unref);
	g_clear_pointer(&report->hidden, g_ptr_array_unref);
}

struct duck_database *views_open(const struct workspace *workspace, GError **error)
{
	const struct duck_options options = {.threads = 1};
	g_autofree char *path = workspace_path(workspace, WORKSPACE_DATABASE);
	g_autofree char *below = g_path_get_dirname(WORKSPACE_DATABASE);
	AUTO_FD folder = workspace_make_folder(workspace, below, error);
	if (folder < 0)
		return NULL;
	return local_open_file(path, &options, error);
}

/* Whose a view is, by what it reads. */
static enum owner owner_of(const char *sql)
{
	if (!sql || !strstr(sql, "read_parquet("))
		return OWNER_USER;
	if (strstr(sql, "/" WORKSPACE_PARQUET "/") || strstr(sql, "/" WORKSPACE_OLD_PARQUET "/"))
		return OWNER_TABLE;
	return strstr(sql, "/" WORKSPACE_SNAPSHOTS "/") ? OWNER_SNAPSHOT : OWNER_USER;
}

/* Everything that has a name in the database. */
static GHashTable *find_owners(struct duck_connection *connection, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT lower(view_name), sql FROM duckdb_views() WHERE NOT internal AND "
		"schema_name = 'main' AND database_name = current_database() UNION ALL "
		"SELECT lower(table_name), NULL FROM duckdb_tables() WHERE NOT internal AND "
		"schema_name = 'main' AND database_name = current_database()",
		NULL);
	if (!rows)
		return NULL;
	GHashTable *owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	while (duck_rows_next(rows)) {
		char *name = g_strdup(duck_rows_text(rows, 0));
		g_hash_table_insert(owners, name,
				    GINT_TO_POINTER(owner_of(duck_rows_text(rows, 1))));
	}
	return owners;
}

static enum owner find_owner(GHashTable *owners, const char *name)
{
	g_autofree char *key = g_ascii_strdown(name, -1);
	return GPOINTER_TO_INT(g_hash_table_lookup(owners, key));
}

static void set_owner(GHashTable *owners, const char *name, enum owner owner)
{
	g_hash_table_insert(owners, g_ascii_strdown(name, -1), GINT_TO_POINTER(owner));
}

static bool create_view(struct duck_connection *connection, const struct workspace *workspace,
			const char *folder, const char *name, GError **error)
{
	g_autofree char *below = g_strconcat(folder, "/", name, ENDING, NULL);
	g_autofree char *path = workspace_path(workspace, below);
	g_autofree char *sql = duck_sql(
		"CREATE OR REPLACE VIEW main.%I AS SELECT * FROM read_parquet(%L)", name, path);
	return duck_exec(connection, error, sql, NULL);
}

static bool drop_view(struct duck_connection *connection, const char *name, GError **error)
{
	g_autofree char *sql = duck_sql("DROP VIEW IF EXISTS main.%I", name);
	return duck_exec(connection, error, sql, NULL);
}

/* --- tables --- */

static bool looks_like_parquet(int folder, const char *file)
{
	AUTO_FD fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 && download_is_parquet(fd);
}

/* The names of what is in the folder; what cannot be a table at once goes to the report. */
static GHashTable *find_files(const struct workspace *workspace, GHashTable *broken)
{
	GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	int folder = workspace_folder(workspace, WORKSPACE_PARQUET, NULL);
	DIR *entries = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;
	while (entries && (entry = readdir(entries))) {
		if (!g_str_has_suffix(entry->d_name, ENDING))
			continue;
		g_autofree char *name = g_strndup(entry->d_name,
						  strlen(entry->d_name) - strlen(ENDING));
		if (!name_is_relaxed(name))
			continue;
		g_hash_table_add(looks_like_parquet(folder, entry->d_name) ? files : broken,
				 g_strdup(name));
	}
	if (entries)
		closedir(entries);
	else
		descriptor_close(&folder);
	return files;
}

static bool needs_view(const struct refresh *refresh, const char *name, enum owner owner)
{
	const struct synced_table *table = g_hash_table_lookup(refresh->state->tables, name);
	return owner != OWNER_TABLE || refresh->all || (table && !table->has_view);
}

/* To DuckDB "Orders" and "orders" are one name: the first of them has the view. */
static GPtrArray *names_for_views(const struct refresh *refresh)
{
	void *key;
	GHashTableIter iter;
	GPtrArray *names = g_ptr_array_new();
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_iter_init(&iter, refresh->files);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_ptr_array_add(names, key);
	g_ptr_array_sort(names, order_texts);
	for (guint i = 0; i < names->len;) {
		if (g_hash_table_add(seen, g_ascii_strdown(names->pdata[i], -1))) {
			i++;
			continue;
		}
		g_hash_table_add(refresh->second, g_strdup(names->pdata[i]));
		g_ptr_array_remove_index(names, i);
	}
	return names;
}

/* *failed: which view could not be made. */
static bool add_tables(const struct refresh *refresh, const char **failed, GError **error)
{
	g_autoptr(GPtrArray) names = names_for_views(refresh);
	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		enum owner owner = find_owner(refresh->owners, name);
		if (owner == OWNER_USER || owner == OWNER_SNAPSHOT ||
		    !needs_view(refresh, name, owner))
			continue;
		*failed = name;
		if (!create_view(refresh->connection, refresh->workspace, WORKSPACE_PARQUET, name,
				 error))
			return false;
		set_owner(refresh->owners, name, OWNER_TABLE);
	}
	*failed = NULL;
	return true;
}

/* Names in the database are lower-case there, so the files' are, too. */
static bool drop_gone(const struct refresh *refresh, GError **error)
{
	void *key, *owner;
	GHashTableIter iter;
	g_autoptr(GHashTable) here = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_iter_init(&iter, refresh->files);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_hash_table_add(here, g_ascii_strdown(key, -1));
	g_hash_table_iter_init(&iter, refresh->owners);
	while (g_hash_table_iter_next(&iter, &key, &owner)) {
		if (GPOINTER_TO_INT(owner) == OWNER_TABLE && !g_hash_table_contains(here, key) &&
		    !drop_view(refresh->connection, key, error))
			return false;
	}
	return true;
}

/* Older clients drop them with every sync. */
static bool add_snapshots(const struct refresh *refresh, GError **error)
{
	g_autoptr(GPtrArray) snapshots = snapshots_list(refresh->workspace);
	AUTO_FD folder = workspace_folder(refresh->workspace, WORKSPACE_SNAPSHOTS, NULL);
	for (guint i = 0; i < snapshots->len; i++) {
		const char *name = json_string_value(json_object_get(snapshots->pdata[i], "name"));
		g_autofree char *file = g_strconcat(name, ENDING, NULL);
		enum owner owner = find_owner(refresh->owners, name);
		bool wanted = owner == OWNER_NOBODY || (owner == OWNER_SNAPSHOT && refresh->all);
		if (wanted && looks_like_parquet(folder, file) &&
		    !create_view(refresh->connection, refresh->workspace, WORKSPACE_SNAPSHOTS, name,
				 error))
			return false;
	}
	return true;
}

/* One transaction. *failed: the table whose file DuckDB cannot read, so that it must be left out.
 */
static bool refresh_once(struct refresh *refresh, const char **failed, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	g_clear_pointer(&refresh->owners, g_hash_table_unref);
	if (!duck_transaction_begin(&transaction, refresh->connection, error))
		return false;
	refresh->owners = find_owners(refresh->connection, error);
	return refresh->owners && drop_gone(refresh, error) && add_tables(refresh, failed, error) &&
	       add_snapshots(refresh, error) && duck_transaction_commit(&transaction, error);
}

/* What the views are by now, for the state and for the user. */
static void conclude(const struct refresh *refresh)
{
	void *key, *value;
	GHashTableIter iter;
	struct views_report *report = refresh->report;
	report->broken = g_ptr_array_new_with_free_func(g_free);
	report->hidden = g_ptr_array_new_with_free_func(g_free);
	g_hash_table_iter_init(&iter, refresh->broken);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_ptr_array_add(report->broken, g_strconcat(key, ENDING, NULL));
	g_hash_table_iter_init(&iter, refresh->state->tables);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		struct synced_table *table = value;
		table->has_view = true; /* as far as there can be one */
		bool has_none = find_owner(refresh->owners, key) != OWNER_TABLE ||
				g_hash_table_contains(refresh->second, key);
		if (has_none && !g_hash_table_contains(refresh->broken, key))
			g_ptr_array_add(report->hidden, g_strdup(key));
	}
	g_ptr_array_sort(report->broken, order_texts);
	g_ptr_array_sort(report->hidden, order_texts);
}

bool views_refresh(const struct workspace *workspace, struct sync_state *state,
		   struct views_report *report, GError **error)
{
	g_auto(refresh) refresh = {.workspace = workspace, .state = state, .report = report};
	refresh.broken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	refresh.second = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	refresh.files = find_files(workspace, refresh.broken);
	refresh.all = g_strcmp0(state->root, workspace_root(workspace)) != 0;
	g_autoptr(duck_database) database = views_open(workspace, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	if (!connection)
		return false;
	refresh.connection = connection;
	for (;;) {
		const char *failed = NULL;
		g_autoptr(GError) cause = NULL;
		if (refresh_once(&refresh, &failed, &cause))
			break;
		if (!failed) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return false;
		}
		/* The transaction is lost with the first file that DuckDB cannot read. */
		g_debug("%s" ENDING ": %s", failed, cause->message);
		g_hash_table_add(refresh.broken, g_strdup(failed));
		g_hash_table_remove(refresh.files, failed);
	}
	conclude(&refresh);
	g_free(state->root);
	state->root = g_strdup(workspace_root(workspace));
	return true;
}

/* --- one snapshot --- */

bool views_check_snapshot(struct duck_connection *connection, const char *name, GError **error)
{
	g_autoptr(GHashTable) owners = find_owners(connection, error);
	if (!owners)
		return false;
	enum owner owner = find_owner(owners, name);
	if (owner != OWNER_USER && owner != OWNER_TABLE)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
		    "%s '%s' exists: give the snapshot another name with --as",
		    owner == OWNER_TABLE ? "a synced table" : "a table or view", name);
	return false;
}

bool views_add_snapshot(struct duck_connection *connection, const struct workspace *workspace,
			const char *name, GError **error)
{
	return views_check_snapshot(connection, name, error) &&
	       create_view(connection, workspace, WORKSPACE_SNAPSHOTS, name, error);
}

bool views_drop_snapshot(struct duck_connection *connection, const char *name, GError **error)
{
	g_autoptr(GHashTable) owners = find_owners(connection, error);
	return owners &&
	       (find_owner(owners, name) != OWNER_SNAPSHOT || drop_view(connection, name, error));
}
