/* A new database, put in its place whole. */
#include "state/create.h"

#include "base/error.h"
#include "base/files.h"
#include "duck/query.h"
#include "state/file.h"
#include "state/schema.h"
#include "state/seeds.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool create_all(struct duck_connection *connection, GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	return duck_transaction_begin(&transaction, connection, error) &&
	       schema_create(connection, error) &&
	       duck_exec(connection, error, "INSERT INTO schema_version (version) VALUES (?)", "i",
			 (int64_t)SCHEMA_VERSION) &&
	       seeds_apply(connection, error) && duck_transaction_commit(&transaction, error) &&
	       duck_exec(connection, error, "CHECKPOINT", NULL);
}

static bool create_in(const char *path, GError **error)
{
	g_autoptr(duck_database) database = duck_database_open(path, NULL, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	/* It will hold password hashes and tokens. */
	if (!connection || !create_all(connection, error))
		return false;
	if (chmod(path, 0600) == 0)
		return true;
	agnes_set_errno(error, errno, "cannot protect %s", path);
	return false;
}

/* Elsewhere first, so that being killed meanwhile leaves no half of a database. */
static bool create_file(const char *path, GError **error)
{
	g_autofree char *folder = g_strconcat(path, ".new-XXXXXX", NULL);
	if (!g_mkdtemp(folder)) {
		agnes_set_errno(error, errno, "cannot make a folder beside %s", path);
		return false;
	}
	g_autofree char *draft = g_build_filename(folder, "system.duckdb", NULL);
	bool created = create_in(draft, error);
	/* link() leaves the file alone that another process may have made meanwhile. */
	if (created && link(draft, path) < 0 && errno != EEXIST) {
		agnes_set_errno(error, errno, "cannot create %s", path);
		created = false;
	}
	g_unlink(draft);
	g_rmdir(folder);
	g_autofree char *parent = g_path_get_dirname(path);
	return created && files_sync_folder(parent, error);
}

bool state_ensure_file(const char *path, bool may_create, bool *created, GError **error)
{
	struct stat status;
	g_autofree char *journal = g_strconcat(path, ".wal", NULL);
	*created = stat(path, &status) < 0 && errno == ENOENT;
	if (*created && !may_create) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND, "%s is gone", path);
		return false;
	}
	if (*created && g_file_test(journal, G_FILE_TEST_EXISTS)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
			    "%s is missing, but its journal %s is there; " STATE_GO_BACK
			    ", or move the journal away to start afresh",
			    path, journal);
		return false;
	}
	if (*created)
		return create_file(path, error);
	if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
			    "%s is empty; " STATE_GO_BACK ", or remove the file to start afresh",
			    path);
		return false;
	}
	return true;
}
