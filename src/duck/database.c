/* Opening databases, connections and transactions. */
#include "duck/database.h"

#include "base/error.h"
#include "duck/private.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <string.h>

/* What every database of ours is opened with: nothing reaches out, whatever a query names. */
static const struct {
	const char *name;
	const char *value;
} fixed_settings[] = {
	{"autoinstall_known_extensions", "false"},
	{"autoload_known_extensions", "false"},
};

static bool set_option(duckdb_config config, const char *name, const char *value, GError **error)
{
	if (!value || duckdb_set_config(config, name, value) == DuckDBSuccess)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "DuckDB refuses the setting %s = '%s'",
		    name, value);
	return false;
}

static bool fill_config(duckdb_config config, const struct duck_options *options, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fixed_settings); i++) {
		if (!set_option(config, fixed_settings[i].name, fixed_settings[i].value, error))
			return false;
	}
	if (!options)
		return true;
	g_autofree char *threads = options->threads ? g_strdup_printf("%d", options->threads)
						    : NULL;
	return set_option(config, "access_mode", options->read_only ? "READ_ONLY" : NULL, error) &&
	       set_option(config, "threads", threads, error) &&
	       set_option(config, "memory_limit", options->memory_limit, error) &&
	       set_option(config, "temp_directory", options->temp_directory, error);
}

static char *try_open(struct duck_database *database, const char *path, duckdb_config config)
{
	char *message = NULL;
	if (duckdb_open_ext(path, &database->handle, config, &message) == DuckDBSuccess)
		return NULL;
	char *copy = g_strdup(message ? message : "");
	duckdb_free(message);
	return copy;
}

/*
 * DuckDB 1.5 cannot replay its journal when that alters a table with a function as a default (such
 * as current_timestamp) in the database that it opens; in one that it attaches it can.
 */
static bool replay_journal(const char *path, GError **error)
{
	g_autoptr(duck_database) memory = duck_database_open(NULL, NULL, error);
	g_autoptr(duck_connection) connection = memory ? duck_connect(memory, error) : NULL;
	g_autofree char *sql = duck_sql(
		"ATTACH %L AS journaled; CHECKPOINT journaled; DETACH journaled", path);
	return connection && duck_exec(connection, error, sql, NULL);
}

static bool open_handle(struct duck_database *database, const char *path, duckdb_config config,
			bool read_only, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autofree char *first = try_open(database, path, config);
	if (!first)
		return true;
	if (!read_only && strstr(first, "no default database set")) {
		if (!replay_journal(path, error))
			return false;
		g_free(first);
		first = try_open(database, path, config);
		if (!first)
			return true;
	}
	duck_set_error(&cause, first);
	g_set_error(error, AGNES_ERROR, cause->code, "cannot open %s: %s", path ? path : "(memory)",
		    cause->message);
	return false;
}

/* The zone is a setting of the ICU extension, which exists only once the database is open. */
static bool use_utc(struct duck_database *database, GError **error)
{
	g_autoptr(duck_connection) connection = duck_connect(database, error);
	return connection && duck_exec(connection, error, "SET GLOBAL TimeZone = 'UTC'", NULL);
}

struct duck_database *duck_database_open(const char *path, const struct duck_options *options,
					 GError **error)
{
	duckdb_config config;
	if (duckdb_create_config(&config) != DuckDBSuccess)
		g_error("out of memory");
	g_autoptr(duck_database) database = g_new0(struct duck_database, 1);
	bool opened = fill_config(config, options, error) &&
		      open_handle(database, path, config, options && options->read_only, error);
	duckdb_destroy_config(&config);
	if (!opened || !use_utc(database, error))
		return NULL;
	return g_steal_pointer(&database);
}

void duck_database_free(struct duck_database *database)
{
	if (!database)
		return;
	duckdb_close(&database->handle);
	g_free(database);
}

struct duck_connection *duck_connect(struct duck_database *database, GError **error)
{
	g_autoptr(duck_connection) connection = g_new0(struct duck_connection, 1);
	if (duckdb_connect(database->handle, &connection->handle) != DuckDBSuccess) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_FATAL,
				    "cannot connect to the open database: it must be reopened");
		return NULL;
	}
	return g_steal_pointer(&connection);
}

void duck_connection_free(struct duck_connection *connection)
{
	if (!connection)
		return;
	duckdb_disconnect(&connection->handle);
	g_free(connection);
}

void duck_interrupt(struct duck_connection *connection)
{
	duckdb_interrupt(connection->handle);
}

double duck_progress(struct duck_connection *connection)
{
	return duckdb_query_progress(connection->handle).percentage;
}

const char *duck_version(void)
{
	return duckdb_library_version();
}

bool duck_transaction_begin(struct duck_transaction *transaction,
			    struct duck_connection *connection, GError **error)
{
	if (!duck_exec(connection, error, "BEGIN TRANSACTION", NULL))
		return false;
	transaction->connection = connection;
	return true;
}

bool duck_transaction_commit(struct duck_transaction *transaction, GError **error)
{
	/* A commit that fails has rolled back: nothing is left to undo. */
	struct duck_connection *connection = g_steal_pointer(&transaction->connection);
	return duck_exec(connection, error, "COMMIT", NULL);
}

void duck_transaction_clear(struct duck_transaction *transaction)
{
	g_autoptr(GError) error = NULL;
	if (!transaction->connection)
		return;
	if (!duck_exec(transaction->connection, &error, "ROLLBACK", NULL))
		g_debug("rollback: %s", error->message);
	transaction->connection = NULL;
}
