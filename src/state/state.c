/* Sessions: a pool of readers and one writer over a database that can be reopened under them. */
#include "state/state.h"

#include "base/error.h"
#include "base/files.h"
#include "duck/query.h"
#include "state/schema.h"

enum {
	DEFAULT_THREADS = 2,
	IDLE_READERS = 8, /* more connections than these are closed after use */
	WRITER_WAIT_SECONDS = 30,
	REOPEN_WAIT_SECONDS = 30, /* for the sessions of the dead database to end */
};

struct state {
	char *path;
	struct state_options options;
	GMutex lock; /* over everything below */
	GCond changed;
	struct duck_database *database; /* NULL: to be opened */
	bool invalid;			/* DuckDB has given the database up */
	GPtrArray *idle;		/* reader connections */
	struct duck_connection *writer;
	guint sessions; /* that are running, of either kind */
	bool writing;
};

static void close_database(struct state *state)
{
	g_ptr_array_set_size(state->idle, 0);
	g_clear_pointer(&state->writer, duck_connection_free);
	g_clear_pointer(&state->database, duck_database_free);
}

static bool open_database(struct state *state, GError **error)
{
	struct duck_options options = {.threads = state->options.threads};
	state->database = duck_database_open(state->path, &options, error);
	if (!state->database)
		return false;
	state->writer = duck_connect(state->database, error);
	if (!state->writer || !schema_create(state->writer, error)) {
		close_database(state);
		return false;
	}
	state->invalid = false;
	return true;
}

struct state *state_open(const char *data_dir, const struct state_options *options, GError **error)
{
	g_autofree char *folder = g_build_filename(data_dir, "state", NULL);
	if (!files_make_folder(folder, error))
		return NULL;
	g_autoptr(state_db) state = g_new0(struct state, 1);
	if (options)
		state->options = *options;
	if (state->options.threads <= 0)
		state->options.threads = DEFAULT_THREADS;
	state->path = g_build_filename(folder, "system.duckdb", NULL);
	state->idle = g_ptr_array_new_with_free_func((GDestroyNotify)duck_connection_free);
	g_mutex_init(&state->lock);
	g_cond_init(&state->changed);
	if (!open_database(state, error))
		return NULL;
	return g_steal_pointer(&state);
}

void state_free(struct state *state)
{
	if (!state)
		return;
	close_database(state);
	g_ptr_array_unref(state->idle);
	g_mutex_clear(&state->lock);
	g_cond_clear(&state->changed);
	g_free(state->path);
	g_free(state);
}

const char *state_path(const struct state *state)
{
	return state->path;
}

static gint64 deadline_after(int seconds)
{
	return g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
}

/* With the lock held. Replaces a dead database once nobody uses it any more. */
static bool ensure_open(struct state *state, GError **error)
{
	gint64 deadline = deadline_after(REOPEN_WAIT_SECONDS);
	while (state->invalid && state->sessions > 0) {
		if (!g_cond_wait_until(&state->changed, &state->lock, deadline)) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE,
				    "cannot reopen %s: it is still in use", state->path);
			return false;
		}
	}
	if (state->database && !state->invalid)
		return true;
	close_database(state);
	return open_database(state, error);
}

/* With the lock held. */
static bool take_writer(struct state_session *session, struct state *state, GError **error)
{
	gint64 deadline = deadline_after(WRITER_WAIT_SECONDS);
	while (state->writing) {
		if (!g_cond_wait_until(&state->changed, &state->lock, deadline)) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
				    "cannot write to %s: another write takes too long; try again",
				    state->path);
			return false;
		}
	}
	if (!ensure_open(state, error))
		return false;
	state->writing = true;
	session->connection = state->writer;
	return true;
}

/* With the lock held. */
static bool take_reader(struct state_session *session, struct state *state, GError **error)
{
	if (!ensure_open(state, error))
		return false;
	session->connection = state->idle->len > 0 ? g_ptr_array_steal_index_fast(
							     state->idle, state->idle->len - 1)
						   : duck_connect(state->database, error);
	return session->connection != NULL;
}

static bool take(struct state_session *session, struct state *state, enum state_access access,
		 GError **error)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&state->lock);
	if (!(access == STATE_WRITE ? take_writer : take_reader)(session, state, error))
		return false;
	session->state = state;
	session->access = access;
	state->sessions++;
	return true;
}

static void give_back(struct state_session *session)
{
	struct state *state = session->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&state->lock);
	if (session->access == STATE_WRITE)
		state->writing = false;
	else if (!state->invalid && state->idle->len < IDLE_READERS)
		g_ptr_array_add(state->idle, session->connection);
	else
		duck_connection_free(session->connection);
	state->sessions--;
	*session = (struct state_session){0};
	g_cond_broadcast(&state->changed);
}

static void mark_invalid(struct state *state)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&state->lock);
	state->invalid = true;
}

/* The first statement of a session; it also shows whether the database is still alive. */
static bool start(struct state_session *session, GError **error)
{
	const char *sql = session->access == STATE_READ ? "BEGIN TRANSACTION READ ONLY"
							: "SELECT 1";
	return duck_exec(session->connection, error, sql, NULL);
}

bool state_session_begin(struct state_session *session, struct state *state,
			 enum state_access access, GError **error)
{
	g_autoptr(GError) dead = NULL;
	if (!take(session, state, access, error))
		return false;
	if (start(session, &dead))
		return true;
	if (g_error_matches(dead, AGNES_ERROR, AGNES_ERROR_FATAL))
		mark_invalid(state);
	give_back(session);
	if (!take(session, state, access, error))
		return false;
	if (start(session, error))
		return true;
	give_back(session);
	return false;
}

void state_session_clear(struct state_session *session)
{
	g_autoptr(GError) error = NULL;
	if (!session->connection)
		return;
	if (session->access == STATE_READ &&
	    !duck_exec(session->connection, &error, "ROLLBACK", NULL))
		g_debug("state: end of a read session: %s", error->message);
	give_back(session);
}
