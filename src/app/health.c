/* The regular look at the state. */
#include "app/health.h"

#include "app/wire.h"
#include "base/json.h"
#include "duck/query.h"
#include "state/schema.h"

#include <string.h>

enum { CHECK_SECONDS = 5 };

struct health {
	struct state *state;
	struct directory_store *directory; /* or NULL */
	GThread *thread;
	GMutex lock;
	GCond stop;
	bool stopping;
	char *name; /* of the installation */
	enum health_schema schema;
	GBytes *answer;
};

/* The version of the newest row; 0: there is none. */
static bool read_version(struct state *state, int64_t *version, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, error))
		return false;
	g_autoptr(duck_rows) rows = duck_query(
		session.connection, error,
		"SELECT version::BIGINT FROM schema_version ORDER BY applied_at DESC "
		"NULLS LAST LIMIT 1",
		NULL);
	if (!rows)
		return false;
	*version = duck_rows_next(rows) ? duck_rows_int(rows, 0) : 0;
	return true;
}

/* The reason is for the log alone: anybody may ask. */
static json_t *describe(struct health *health, enum health_schema *schema)
{
	g_autoptr(GError) error = NULL;
	int64_t version;
	if (!read_version(health->state, &version, &error)) {
		g_warning("health: the state cannot be read: %s", error->message);
		*schema = HEALTH_UNREACHABLE;
		return json_pack("{ss ss ss}", "status", "unhealthy", "db_schema", "unreachable",
				 "detail",
				 "the state database cannot be read; see the server's log");
	}
	*schema = version == SCHEMA_VERSION ? HEALTH_OK : HEALTH_MISMATCH;
	if (version == 0)
		return json_pack("{ss ss ss}", "status", "unhealthy", "db_schema", "mismatch",
				 "detail", "no schema_version row found");
	bool fits = *schema == HEALTH_OK;
	return json_pack("{ss ss sI si}", "status", fits ? "ok" : "unhealthy", "db_schema",
			 fits ? "ok" : "mismatch", "current", (json_int_t)version, "expected",
			 SCHEMA_VERSION);
}

void health_check(struct health *health)
{
	enum health_schema schema;
	g_autoptr(json_t) description = describe(health, &schema);
	g_mutex_lock(&health->lock);
	json_object_set_new(description, "instance_name", wire_text(health->name));
	char *text = json_to_text(description);
	g_clear_pointer(&health->answer, g_bytes_unref);
	health->answer = g_bytes_new_take(text, strlen(text));
	health->schema = schema;
	g_mutex_unlock(&health->lock);
}

static void mend_directory(struct health *health)
{
	g_autoptr(GError) error = NULL;
	if (health->directory && !directory_mend(health->directory, &error))
		g_critical("what users may do is behind the state, which cannot be read: %s",
			   error->message);
}

static gpointer check_loop(gpointer data)
{
	struct health *health = data;
	g_mutex_lock(&health->lock);
	while (!health->stopping) {
		gint64 next = g_get_monotonic_time() + CHECK_SECONDS * G_TIME_SPAN_SECOND;
		if (g_cond_wait_until(&health->stop, &health->lock, next))
			continue;
		g_mutex_unlock(&health->lock);
		health_check(health);
		mend_directory(health);
		g_mutex_lock(&health->lock);
	}
	g_mutex_unlock(&health->lock);
	return NULL;
}

struct health *health_new(struct state *state, struct directory_store *directory, const char *name)
{
	struct health *health = g_new0(struct health, 1);
	health->state = state;
	health->directory = directory;
	health->name = g_strdup(name);
	g_mutex_init(&health->lock);
	g_cond_init(&health->stop);
	health_check(health);
	health->thread = g_thread_new("health", check_loop, health);
	return health;
}

void health_free(struct health *health)
{
	if (!health)
		return;
	g_mutex_lock(&health->lock);
	health->stopping = true;
	g_cond_broadcast(&health->stop);
	g_mutex_unlock(&health->lock);
	g_thread_join(health->thread);
	g_bytes_unref(health->answer);
	g_free(health->name);
	g_mutex_clear(&health->lock);
	g_cond_clear(&health->stop);
	g_free(health);
}

void health_rename(struct health *health, const char *name)
{
	g_mutex_lock(&health->lock);
	g_free(health->name);
	health->name = g_strdup(name);
	g_mutex_unlock(&health->lock);
	health_check(health);
}

GBytes *health_answer(struct health *health)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&health->lock);
	return g_bytes_ref(health->answer);
}

enum health_schema health_schema(struct health *health)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&health->lock);
	return health->schema;
}
