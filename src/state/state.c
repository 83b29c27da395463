/* Sessions: a pool of readers and one writer over a database that can be reopened under them. */
#include "state/state.h"

#include "base/error.h"
#include "duck/query.h"
#include "state/file.h"

#include <sys/stat.h>

enum {
	DEFAULT_THREADS = 2,
	IDLE_READERS = 8, /* more connections than these are closed after use */
	WRITER_WAIT_SECONDS = 30,
	REOPEN_WAIT_SECONDS = 30, /* for the sessions of the dead database to end */
	/* A database that dies again and again is reopened ever more rarely. */
	FIRST_PAUSE_MS = 250,
	LONGEST_PAUSE_MS = 30 * 1000,
	LASTING_SECONDS = 60, /* who lives longer starts afresh */
};

struct state {
	char *data_dir;
	struct state_options options;
	GMutex lock; /* over everything below */
	GCond changed;
	struct state_file *file; /* NULL: to be opened */
	bool invalid;		 /* DuckDB has given the database up */
	gint64 opened_at;	 /* monotonic */
	gint64 pause_until;	 /* no attempt to reopen before */
	unsigned attempts;	 /* to reopen, since it last lived long */
	char *reason;		 /* why the last attempt failed, or NULL */
	GPtrArray *idle;	 /* reader connections */
	struct duck_connection *writer;
	guint sessions; /* that are running, of either kind */
	bool writing;
};

static void close_database(struct state *state)
{
	g_ptr_array_set_size(state->idle, 0);
	g_clear_pointer(&state->writer, duck_connection_free);
	g_clear_pointer(&state->file, state_file_free);
}

static bool open_database(struct state *state, GError **error)
{
	state->file = state_file_open(state->data_dir, &state->options, NULL, error);
	state->writer = state->file ? duck_connect(state->file->database, error) : NULL;
	if (!state->writer) {
		close_database(state);
		return false;
	}
	state->invalid = false;
	state->opened_at = g_get_monotonic_time();
	return true;
}

struct state *state_open(const char *data_dir, const struct state_options *options, GError **error)
{
	g_autoptr(state_db) state = g_new0(struct state, 1);
	if (options)
		state->options = *options;
	if (state->options.threads <= 0)
		state->options.threads = DEFAULT_THREADS;
	state->data_dir = g_strdup(data_dir);
	state->idle = g_ptr_array_new_with_free_func((GDestroyNotify)duck_connection_free);
	g_mutex_init(&state->lock);
	g_cond_init(&state->changed);
	if (!open_database(state, error))
		return NULL;
	/* What is opened again later must be the same file. */
	state->options.must_exist = true;
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
	g_free(state->reason);
	g_free(state->data_dir);
	g_free(state);
}

const char *state_data_dir(const struct state *state)
{
	return state->data_dir;
}

static gint64 deadline_after(int seconds)
{
	return g_get_monotonic_time() + seconds * G_TIME_SPAN_SECOND;
}

static void plan_next_attempt(struct state *state)
{
	unsigned doublings = MIN(state->attempts, 10);
	gint64 pause = MIN((gint64)FIRST_PAUSE_MS << doublings, LONGEST_PAUSE_MS);
	state->attempts++;
	state->pause_until = g_get_monotonic_time() + pause * G_TIME_SPAN_MILLISECOND;
}

/* With the lock held. Opens the database again, unless that was tried a moment ago. */
static bool reopen(struct state *state, GError **error)
{
	g_autoptr(GError) cause = NULL;
	if (g_get_monotonic_time() < state->pause_until) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE,
			    "the state database is not available (%s); it will be tried again soon",
			    state->reason ? state->reason : "it failed again and again");
		return false;
	}
	if (g_get_monotonic_time() - state->opened_at > LASTING_SECONDS * G_TIME_SPAN_SECOND)
		state->attempts = 0;
	close_database(state);
	bool opened = open_database(state, &cause);
	plan_next_attempt(state);
	g_clear_pointer(&state->reason, g_free);
	if (opened) {
		g_warning("state: the database had failed and was opened again");
		return true;
	}
	state->reason = g_strdup(cause->message);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE,
		    "the state database is not available: %s", cause->message);
	return false;
}

/* With the lock held, which it lets go while it waits for the users of a dead database. */
static bool ensure_open(struct state *state, GError **error)
{
	gint64 deadline = deadline_after(REOPEN_WAIT_SECONDS);
	while (state->invalid && state->sessions > 0) {
		if (!g_cond_wait_until(&state->changed, &state->lock, deadline)) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNAVAILABLE,
				    "the state database has failed and is still in use");
			return false;
		}
	}
	return (state->file && !state->invalid) || reopen(state, error);
}

static bool wait_for_writer(struct state *state, GError **error)
{
	gint64 deadline = deadline_after(WRITER_WAIT_SECONDS);
	while (state->writing) {
		if (!g_cond_wait_until(&state->changed, &state->lock, deadline)) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
				    "cannot write to the state database: another write takes too "
				    "long; try again");
			return false;
		}
	}
	return true;
}

/* A checkpoint that meets a full disk ends the database, so that it must not come to that. */
static bool check_space(const struct state *state, GError **error)
{
	struct stat status;
	g_autofree char *journal = g_strconcat(state->file->path, ".wal", NULL);
	gint64 pending = stat(journal, &status) == 0 ? status.st_size : 0;
	return state_file_check_space(state->file, pending, error);
}

/* With the lock held. */
static bool take_writer(struct state_session *session, struct state *state, GError **error)
{
	do {
		if (!wait_for_writer(state, error) || !ensure_open(state, error))
			return false;
	} while (state->writing);
	if (!check_space(state, error))
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
						   : duck_connect(state->file->database, error);
	state->invalid = session->connection == NULL;
	return !state->invalid;
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

/* A session whose database is found dead says so; the next one to begin opens it again. */
static void give_back(struct state_session *session, bool dead)
{
	struct state *state = session->state;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&state->lock);
	if (dead)
		state->invalid = true;
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

/* The first statement of a session; it also shows whether the database is still alive. */
static bool start(struct state_session *session, GError **error)
{
	const char *sql = session->access == STATE_READ ? "BEGIN TRANSACTION READ ONLY"
							: "SELECT 1";
	return duck_exec(session->connection, error, sql, NULL);
}

static bool is_dead(const GError *error)
{
	return g_error_matches(error, AGNES_ERROR, AGNES_ERROR_FATAL);
}

bool state_session_begin(struct state_session *session, struct state *state,
			 enum state_access access, GError **error)
{
	g_autoptr(GError) cause = NULL;
	if (!take(session, state, access, error))
		return false;
	if (start(session, &cause))
		return true;
	bool dead = is_dead(cause);
	give_back(session, dead);
	if (!dead) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	if (!take(session, state, access, error))
		return false;
	if (start(session, error))
		return true;
	give_back(session, false);
	return false;
}

void state_session_clear(struct state_session *session)
{
	g_autoptr(GError) error = NULL;
	if (!session->connection)
		return;
	if (session->access == STATE_READ)
		duck_exec(session->connection, &error, "ROLLBACK", NULL);
	give_back(session, is_dead(error));
}

bool state_copy(struct state *state, const char *to, GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       state_file_copy(state->file, session.connection, to, error);
}
