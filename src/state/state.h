/*
 * The program's own database, state/system.duckdb, for as long as one process runs. Work happens in
 * sessions:
 *
 *	g_auto(state_session) session = {0};
 *	if (!state_session_begin(&session, state, STATE_READ, error))
 *		return false;
 *	rows = duck_query(session.connection, error, ...);
 *
 * A database that DuckDB has given up (FATAL, such as a checkpoint that met a full disk) is
 * reopened by the next session that begins.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

struct configuration;
struct state;

/* How to open; zeros and a NULL pointer stand for the defaults. */
struct state_options {
	int threads; /* of DuckDB */
	/* A group outside fills Everyone or Admin; migration 18 then clears the automatic members.
	 */
	bool everyone_is_external;
	bool admin_is_external;
	bool must_exist; /* a missing file is NOT_FOUND and not made anew */
};

/* What the configuration says. */
void state_options_init(struct state_options *options, const struct configuration *config);

/*
 * Opens `<data_dir>/state/system.duckdb`, makes it when it is missing and migrates an older one.
 * BUSY: another process holds it. UNSUPPORTED: a newer version wrote it. CORRUPT: it is broken or
 * no DuckDB file. May be used by many threads.
 */
struct state *state_open(const char *data_dir, const struct state_options *options, GError **error);
/* The same with what the configuration says, for who has not loaded it. */
struct state *state_open_configured(const char *data_dir, GError **error);
/* Every session must have ended. */
void state_free(struct state *state);
/* g_autoptr(state_db) state = state_open(...): the bare name would shadow every `state`. */
typedef struct state state_db;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(state_db, state_free)

const char *state_data_dir(const struct state *state);

/* A durable copy of the database file under `to`; writers wait meanwhile. */
bool state_copy(struct state *state, const char *to, GError **error);

enum state_access {
	/* A read-only transaction: one unchanging picture of the data. Any number side by side. */
	STATE_READ,
	/* The one writer; others wait for it. No transaction is open: begin one for what belongs
	 * together. */
	STATE_WRITE,
};

/* A thread holds one session at a time, briefly. */
struct state_session {
	struct duck_connection *connection; /* valid until the session is cleared */
	struct state *state;
	enum state_access access;
};

/*
 * BUSY: the writer did not get free in time. UNAVAILABLE: the database cannot be opened again at
 * present (the message says why), or it can only be read and STATE_WRITE was asked for.
 */
bool state_session_begin(struct state_session *session, struct state *state,
			 enum state_access access, GError **error);
void state_session_clear(struct state_session *session);
DEFINE_AUTO(state_session)
