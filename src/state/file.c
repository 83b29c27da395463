/* Opening system.duckdb: version, copy, migrations, repairs, seeds. */
#include "state/file.h"

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

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the reference implementation keeps its one copy. */
#define COPY_SUFFIX ".pre-migrate"

void state_upgrade_clear(struct state_upgrade *upgrade)
{
	g_clear_pointer(&upgrade->copy, g_free);
}

char *state_file_path(const char *data_dir)
{
	return g_build_filename(data_dir, "state", "system.duckdb", NULL);
}

void state_file_free(struct state_file *file)
{
	if (!file)
		return;
	duck_database_free(file->database);
	if (file->descriptor >= 0)
		close(file->descriptor);
	g_free(file->path);
	g_free(file);
}

/* Says who has the file open: it could not be locked. */
static void set_in_use(GError **error, int fd, const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	bool known = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK &&
		     lock.l_pid > 0;
	g_autofree char *who = known ? g_strdup_printf("process %d", (int)lock.l_pid)
				     : g_strdup("another process");
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY, "%s is in use by %s", path, who);
}

int state_file_lock(const char *path, GError **error)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		agnes_set_errno(error, errno, "cannot open %s", path);
		return -1;
	}
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	if (errno == EAGAIN || errno == EACCES)
		set_in_use(error, fd, path);
	else
		agnes_set_errno(error, errno, "cannot lock %s", path);
	close(fd);
	return -1;
}

/* DuckDB's reasons, told for somebody who wants to start the program again. */
static void explain_failure(const char *path, GError *cause, GError **error)
{
	switch (cause->code) {
	case AGNES_ERROR_BUSY: {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		set_in_use(error, fd, path);
		if (fd >= 0)
			close(fd);
		return;
	}
	case AGNES_ERROR_CORRUPT:
		g_set_error(error, AGNES_ERROR, cause->code,
			    "%s; 'agnesd check --restore' goes back to the newest good backup",
			    cause->message);
		return;
	default:
		g_set_error_literal(error, AGNES_ERROR, cause->code, cause->message);
	}
}

static bool open_database(struct state_file *file, int threads, GError **error)
{
	g_autoptr(GError) cause = NULL;
	struct duck_options options = {.threads = threads};
	bool existed = g_file_test(file->path, G_FILE_TEST_EXISTS);
	file->database = duck_database_open(file->path, &options, &cause);
	if (!file->database) {
		explain_failure(file->path, cause, error);
		return false;
	}
	file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
	/* It holds password hashes and tokens. */
	if (file->descriptor < 0 || (!existed && fchmod(file->descriptor, 0600) < 0)) {
		agnes_set_errno(error, errno, "cannot open %s", file->path);
		return false;
	}
	return true;
}

bool state_file_copy(struct state_file *file, struct duck_connection *connection, const char *to,
		     GError **error)
{
	struct stat status;
	g_autofree char *journal = g_strconcat(file->path, ".wal", NULL);
	if (!duck_exec(connection, error, "CHECKPOINT", NULL))
		return false;
	if (stat(journal, &status) == 0 && status.st_size > 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "cannot copy %s: its journal is still in use; try again", file->path);
		return false;
	}
	return files_copy_open(file->descriptor, to, error);
}

/* Twice: under a name of its own, and under the one where people and scripts look for it. */
static char *keep_copy(struct state_file *file, struct duck_connection *connection, int version,
		       GError **error)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *stamp = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
	g_autofree char *latest = g_strconcat(file->path, COPY_SUFFIX, NULL);
	g_autofree char *journal = g_strconcat(latest, ".wal", NULL);
	g_autofree char *unique = g_strdup_printf("%s-v%d-%s", latest, version, stamp);
	if (!state_file_copy(file, connection, unique, error) ||
	    !files_copy_open(file->descriptor, latest, error) || !files_remove(journal, error)) {
		g_prefix_error(error,
			       "%s must be changed, but no copy of it can be kept: ", file->path);
		return NULL;
	}
	return g_steal_pointer(&unique);
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

static bool create_all(struct duck_connection *connection, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	return duck_transaction_begin(&transaction, connection, error) &&
	       duck_exec(connection, error, "DROP TABLE IF EXISTS schema_version", NULL) &&
	       schema_create(connection, error) &&
	       duck_exec(connection, error, "INSERT INTO schema_version (version) VALUES (?)", "i",
			 (int64_t)SCHEMA_VERSION) &&
	       seeds_apply(connection, error) && duck_transaction_commit(&transaction, error);
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

/* Makes schema_version hold the version, which a file without one does not. */
static bool write_version(struct duck_connection *connection, const struct state_catalog *catalog,
			  int version, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	if (!duck_transaction_begin(&transaction, connection, error))
		return false;
	if (!state_catalog_has(catalog, "schema_version", NULL) &&
	    !schema_create_table(connection, schema_table("schema_version"), error))
		return false;
	if (state_catalog_has(catalog, "schema_version", NULL) &&
	    !duck_exec(connection, error,
		       "ALTER TABLE schema_version ADD COLUMN IF NOT EXISTS applied_at TIMESTAMP",
		       NULL))
		return false;
	return duck_exec(connection, error,
			 "INSERT INTO schema_version (version) SELECT ? "
			 "WHERE NOT EXISTS (SELECT 1 FROM schema_version)",
			 "i", (int64_t)version) &&
	       duck_transaction_commit(&transaction, error);
}

/* The version to migrate from; 0: a new file; -1 on error. */
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
	bool only_version = state_catalog_has(catalog, "schema_version", NULL);
	if (g_hash_table_size(catalog->tables) > (only_version ? 1 : 0)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "%s is a DuckDB database of something else; move it away", path);
		return -1;
	}
	return 0;
}

/* Everything that an older or damaged file needs, after a copy of it was kept. */
static bool upgrade_tables(struct state_file *file, struct duck_connection *connection,
			   const struct state_catalog *catalog, const struct state_options *options,
			   struct state_upgrade *upgrade, GError **error)
{
	upgrade->copy = keep_copy(file, connection, upgrade->from, error);
	if (!upgrade->copy || !drop_indexes(connection, error))
		return false;
	if (upgrade->from < SCHEMA_VERSION)
		g_message("state: migrating %s from version %d to %d; a copy is kept as %s",
			  file->path, upgrade->from, SCHEMA_VERSION, upgrade->copy);
	else
		g_message("state: mending %s; a copy is kept as %s", file->path, upgrade->copy);
	if (!write_version(connection, catalog, upgrade->from, error) ||
	    !migrations_run(connection, upgrade->from, options, error)) {
		g_prefix_error(error, "%s stays as it is (a copy is %s): ", file->path,
			       upgrade->copy);
		return false;
	}
	g_autoptr(state_catalog) migrated = state_catalog_read(connection, error);
	return migrated && shape_mend(connection, migrated, error) &&
	       duck_exec(connection, error, "CHECKPOINT", NULL);
}

static bool bring_up_to_date(struct state_file *file, const struct state_options *options,
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
	if (upgrade->from == 0)
		return create_all(connection, error);
	if (upgrade->from < SCHEMA_VERSION || shape_alters_kept(catalog)) {
		if (!upgrade_tables(file, connection, catalog, options, upgrade, error))
			return false;
	} else if (!drop_indexes(connection, error) || !shape_mend(connection, catalog, error)) {
		return false;
	}
	return seeds_apply(connection, error) && groups_finish_renames(connection, error);
}

struct state_file *state_file_open(const char *data_dir, const struct state_options *options,
				   struct state_upgrade *upgrade, GError **error)
{
	g_auto(state_upgrade) unasked = {0};
	g_autofree char *folder = g_build_filename(data_dir, "state", NULL);
	if (!files_make_folder(folder, error))
		return NULL;
	g_autoptr(state_file) file = g_new0(struct state_file, 1);
	file->descriptor = -1;
	file->path = state_file_path(data_dir);
	if (!open_database(file, options->threads, error) ||
	    !bring_up_to_date(file, options, upgrade ? upgrade : &unasked, error))
		return NULL;
	return g_steal_pointer(&file);
}
