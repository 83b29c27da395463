/* Opening the database. */
#include "cli/engine/local.h"

#include "base/error.h"

enum { OPEN_SECONDS = 5, OPEN_PAUSE_MICROSECONDS = 20 * 1000 };

static const char *const places[] = {WORKSPACE_DATABASE, WORKSPACE_OLD_DUCKDB};

struct duck_database *local_open_file(const char *path, const struct duck_options *options,
				      GError **error)
{
	gint64 deadline = g_get_monotonic_time() + OPEN_SECONDS * G_USEC_PER_SEC;
	for (;;) {
		g_autoptr(GError) cause = NULL;
		struct duck_database *database = duck_database_open(path, options, &cause);
		if (database)
			return database;
		if (!g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_BUSY) ||
		    g_get_monotonic_time() >= deadline) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return NULL;
		}
		g_usleep(OPEN_PAUSE_MICROSECONDS);
	}
}

struct duck_database *local_open(const struct workspace *workspace, GError **error)
{
	const struct duck_options options = {.read_only = true};
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *path = workspace_path(workspace, places[i]);
		if (g_file_test(path, G_FILE_TEST_EXISTS))
			return local_open_file(path, &options, error);
	}
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			    "Local DuckDB not found. Run: da sync");
	return NULL;
}
