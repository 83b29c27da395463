/* Version, copy, migrations, repairs, seeds. */
#include "state/upgrade.h"

#include "base/error.h"
#include "base/files.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "state/catalog.h"
#include "state/groups.h"
#include "state/migrations/migrations.h"
#include "state/schema.h"
#include "state/seeds.h"
#include "state/shape.h"

#include <sys/stat.h>

/* Where the reference implementation keeps its one copy. */
#define COPY_SUFFIX ".pre-migrate"

void state_upgrade_clear(struct state_upgrade *upgrade)
{
	g_clear_pointer(&upgrade->copy, g_free);
}

/* Two copies, and at worst every table is written anew. */
static bool check_space(const struct state_file *file, GError **error)
{
	struct stat status;
	return fstat(file->descriptor, &status) < 0 ||
	       state_file_check_space(file, 3 * (gint64)status.st_size, error);
}

/*
 * Twice: where people and scripts look for it, and under a name of the version and the day, which
 * stays. One of those a day, so that a migration that fails at every start does not fill the disk.
 */
static char *keep_copy(struct state_file *file, struct duck_connection *connection, int version,
		       GError **error)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *day = g_date_time_format(now, "%Y%m%d");
	g_autofree char *latest = g_strconcat(file->path, COPY_SUFFIX, NULL);
	g_autofree char *journal = g_strconcat(latest, ".wal", NULL);
	g_autofree char *lasting = g_strdup_printf("%s-v%d-%s", latest, version, day);
	if (check_space(file, error) && state_file_copy(file, connection, latest, error) &&
	    files_remove(journal, error) &&
	    (g_file_test(lasting, G_FILE_TEST_EXISTS) ||
	     files_copy_open(file->descriptor, lasting, error)))
		return g_steal_pointer(&lasting);
	g_prefix_error(error, "%s must be changed, but no copy of it can be kept: ", file->path);
	return NULL;
}

/*
 * DuckDB can lose rows from secondary indexes, and then the next UPDATE ends the database; and a
 * table that has one cannot be altered. Keys are no indexes in this sense, they stay.
 */
static bool drop_indexes(struct duck_connection *connection, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(connection, error,
					       "SELECT index_name FROM duckdb_indexes() "
					       "WHERE database_name = current_database() "
					       "AND schema_name = 'main'",
					       NULL);
	bool dropped = false;
	if (!rows)
		return false;
	while (duck_rows_next(rows)) {
		g_autofree char *sql = duck_sql("DROP INDEX %I", duck_rows_text(rows, 0));
		if (!duck_exec(connection, error, sql, NULL))
			return false;
		dropped = true;
	}
	return !dropped || duck_exec(connection, error, "CHECKPOINT", NULL);
}

/* The number in schema_version, 0 when it holds none, -1 on error. */
static int read_version(struct duck_connection *connection, const struct state_catalog *catalog,
			GError **error)
{
	if (!state_catalog_has(catalog, "schema_version", "version"))
		return 0;
	g_autoptr(duck_rows) rows = duck_query(
		connection, error, "SELECT greatest(max(version), 0)::INTEGER FROM schema_version",
		NULL);
	return rows && duck_rows_next(rows) ? (int)duck_rows_int(rows, 0) : -1;
}

/* Makes a file say its version that did not. */
static bool write_version(struct duck_connection *connection, int version, GError **error)
{
	return duck_exec(connection, error,
			 "INSERT INTO schema_version (version) SELECT ? "
			 "WHERE NOT EXISTS (SELECT 1 FROM schema_version)",
			 "i", (int64_t)version);
}

/* The version to migrate from; -1 on error. */
static int find_version(struct duck_connection *connection, const struct state_catalog *catalog,
			const char *path, GError **error)
{
	int version = read_version(connection, catalog, error);
	if (version > SCHEMA_VERSION) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    "%s was written by a newer version of the program (schema %d, this one "
			    "knows %d); run that version, or put back a copy of before its "
			    "migration",
			    path, version, SCHEMA_VERSION);
		return -1;
	}
	if (version != 0)
		return version;
	version = migrations_guess_version(catalog);
	if (version > 0) {
		g_warning("state: %s does not say its schema version; by its tables it is %d", path,
			  version);
		return version;
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s is a DuckDB database without any table of ours; move it away, and a new "
		    "one is made",
		    path);
	return -1;
}

static bool alter_tables(struct duck_connection *connection, const struct state_catalog *catalog,
			 int from, const struct state_options *options, GError **error)
{
	if (!drop_indexes(connection, error) ||
	    !shape_mend_table(connection, catalog, "schema_version", error) ||
	    !write_version(connection, from, error) ||
	    !migrations_run(connection, from, options, error))
		return false;
	g_autoptr(state_catalog) migrated = state_catalog_read(connection, error);
	return migrated && shape_mend(connection, migrated, error) &&
	       duck_exec(connection, error, "CHECKPOINT", NULL);
}

/* Everything that an older or damaged file needs, after a copy of it was kept. */
static bool upgrade_tables(struct state_file *file, struct duck_connection *connection,
			   const struct state_catalog *catalog, const struct state_options *options,
			   struct state_upgrade *upgrade, GError **error)
{
	upgrade->copy = keep_copy(file, connection, upgrade->from, error);
	if (!upgrade->copy)
		return false;
	if (upgrade->from < SCHEMA_VERSION)
		g_message("state: migrating %s from version %d to %d; a copy is kept as %s",
			  file->path, upgrade->from, SCHEMA_VERSION, upgrade->copy);
	else
		g_message("state: mending %s; a copy is kept as %s", file->path, upgrade->copy);
	if (alter_tables(connection, catalog, upgrade->from, options, error))
		return true;
	g_prefix_error(error,
		       "cannot bring %s up to date (as it was, it is kept as %s): ", file->path,
		       upgrade->copy);
	return false;
}

bool state_upgrade_run(struct state_file *file, const struct state_options *options,
		       struct state_upgrade *upgrade, GError **error)
{
	g_autoptr(duck_connection) connection = duck_connect(file->database, error);
	g_autoptr(state_catalog) catalog = connection ? state_catalog_read(connection, error)
						      : NULL;
	if (!catalog)
		return false;
	upgrade->from = find_version(connection, catalog, file->path, error);
	if (upgrade->from < 0)
		return false;
	if (upgrade->from < SCHEMA_VERSION || shape_alters_kept(catalog)) {
		if (!upgrade_tables(file, connection, catalog, options, upgrade, error))
			return false;
	} else if (!drop_indexes(connection, error) || !shape_mend(connection, catalog, error) ||
		   !write_version(connection, SCHEMA_VERSION, error)) {
		return false;
	}
	return seeds_apply(connection, error) && groups_finish_renames(connection, error);
}
