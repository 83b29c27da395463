/*
 * A DuckDB database and its connections. A database may be shared by threads; a connection belongs
 * to one thread at a time. Every session runs in UTC, and nothing is ever installed from the
 * network.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct duck_database;
struct duck_connection;

struct duck_options {
	bool read_only;
	int threads;		    /* 0: as many as there are cores */
	const char *memory_limit;   /* such as "512MB"; NULL: DuckDB's default */
	const char *temp_directory; /* for what does not fit in memory; NULL: DuckDB's default */
};

/*
 * Opens or creates the file at `path`; NULL stands for a database in memory. `options` may be NULL.
 * BUSY: another process holds it. CORRUPT: not a DuckDB file, or a broken one. UNSUPPORTED: written
 * by a newer DuckDB.
 */
struct duck_database *duck_database_open(const char *path, const struct duck_options *options,
					 GError **error);
/* Close every connection first: the file is released with the last of them. */
void duck_database_free(struct duck_database *database);
DEFINE_AUTOPTR(duck_database)

struct duck_connection *duck_connect(struct duck_database *database, GError **error);
void duck_connection_free(struct duck_connection *connection);
DEFINE_AUTOPTR(duck_connection)

/* Makes the statement that runs on the connection, if any, fail with CANCELLED. From any thread. */
void duck_interrupt(struct duck_connection *connection);

/* How far the statement that runs on the connection is, in percent; negative: unknown. From any
 * thread. */
double duck_progress(struct duck_connection *connection);

/* The version of the library, such as "v1.5.6". */
const char *duck_version(void);

/* Rolls back when it leaves its scope without a commit. */
struct duck_transaction {
	struct duck_connection *connection; /* NULL: none is open */
};

bool duck_transaction_begin(struct duck_transaction *transaction,
			    struct duck_connection *connection, GError **error);
bool duck_transaction_commit(struct duck_transaction *transaction, GError **error);
void duck_transaction_clear(struct duck_transaction *transaction);
DEFINE_AUTO(duck_transaction)
