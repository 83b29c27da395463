/* Opening DuckDB in the sandbox, in the order that base/sandbox.h explains; views; cancelling. */
#include "query/engine.h"

#include "base/error.h"
#include "base/sandbox.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "query/cells.h"
#include "query/remote.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)

/* A file that DuckDB spills to stays below the limit on all of them; this is for its overhead. */
enum { SPILL_OVERHEAD_MIB = 64 };

struct setup {
	const char *folder, *temporary;
	int memory_mb, temporary_mb, address_space_mb, threads, landlock, network;
	const json_t *tables, *remote;
};

struct query_engine {
	struct duck_database *database;
	struct duck_connection *owner; /* makes views; no query runs on it */
	struct query_guard *guard;
	struct query_tables *tables;
	char *folder, *temporary;
	GMutex lock; /* over the three below */
	struct duck_connection *running;
	int64_t running_id, cancelled_id;
};

static bool unpack_setup(const json_t *json, struct setup *setup, GError **error)
{
	json_error_t problem;
	if (json_unpack_ex((json_t *)json, &problem, 0, "{ss ss so si si si si si sb s?o}",
			   "folder", &setup->folder, "temporary", &setup->temporary, "tables",
			   &setup->tables, "memory_mb", &setup->memory_mb, "temporary_mb",
			   &setup->temporary_mb, "address_space_mb", &setup->address_space_mb,
			   "threads", &setup->threads, "landlock", &setup->landlock, "network",
			   &setup->network, "remote", &setup->remote) == 0)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "the worker's setup is wrong: %s",
		    problem.text);
	return false;
}

static bool limit_process(const struct setup *setup, GError **error)
{
	const struct sandbox_limits limits = {
		.address_space = (uint64_t)setup->address_space_mb * MIB,
		.file_size = (uint64_t)(setup->temporary_mb + SPILL_OVERHEAD_MIB) * MIB,
	};
	return sandbox_limit(&limits, error);
}

static bool open_database(struct query_engine *engine, const struct setup *setup, GError **error)
{
	g_autofree char *memory = g_strdup_printf("%dMiB", setup->memory_mb);
	/* One thread: a second one, started before the sandbox, would stay outside of it. */
	const struct duck_options options = {
		.threads = 1, .memory_limit = memory, .temp_directory = setup->temporary};
	engine->database = duck_database_open(NULL, &options, error);
	if (!engine->database)
		return false;
	engine->owner = duck_connect(engine->database, error);
	return engine->owner && cells_define(engine->owner, error) &&
	       (!setup->network || remote_load(engine->owner, setup->remote, error));
}

static bool enter_sandbox(const struct setup *setup, GError **error)
{
	g_autoptr(GArray) paths = g_array_new(FALSE, FALSE, sizeof(struct sandbox_path));
	const struct sandbox_path own[] = {{setup->folder, SANDBOX_READ},
					   {setup->temporary, SANDBOX_READ_WRITE}};
	g_array_append_vals(paths, own, G_N_ELEMENTS(own));
	if (setup->network)
		remote_append_paths(paths);
	const struct sandbox_plan plan = {
		.profile = setup->network ? SANDBOX_NETWORK : SANDBOX_OFFLINE,
		.paths = (const struct sandbox_path *)paths->data,
		.path_count = paths->len,
		.newest_landlock = setup->landlock,
	};
	return sandbox_enter(&plan, error);
}

/* From here on queries can open what is in the two folders, and change no setting. */
static bool lock_database(const struct query_engine *engine, const struct setup *setup,
			  GError **error)
{
	g_autofree char *sql = duck_sql("SET threads = %d;"
					"SET max_temp_directory_size = '%dMiB';"
					"SET parquet_metadata_cache = true;"
					"SET allow_community_extensions = false;"
					"SET allow_persistent_secrets = false;"
					"SET allowed_directories = [%L];"
					"SET allowed_paths = [%L];"
					"SET enable_external_access = false;"
					"SET lock_configuration = true",
					setup->threads, setup->temporary_mb, setup->folder,
					QUERY_RESULT_PATH);
	return duck_exec(engine->owner, error, sql, NULL);
}

static bool start(struct query_engine *engine, const json_t *json, GError **error)
{
	struct setup setup = {0};
	if (!unpack_setup(json, &setup, error))
		return false;
	engine->folder = g_strdup(setup.folder);
	engine->temporary = g_strdup(setup.temporary);
	engine->tables = query_tables_new(setup.tables, error);
	if (!engine->tables || !limit_process(&setup, error) ||
	    !open_database(engine, &setup, error) || !enter_sandbox(&setup, error) ||
	    (setup.network && !remote_attach(engine->owner, setup.remote, error)) ||
	    !lock_database(engine, &setup, error))
		return false;
	engine->guard = query_guard_new(engine->database, engine->tables, error);
	return engine->guard != NULL;
}

struct query_engine *query_engine_open(const json_t *setup, GError **error)
{
	g_autoptr(query_engine) engine = g_new0(struct query_engine, 1);
	g_mutex_init(&engine->lock);
	engine->running_id = engine->cancelled_id = -1;
	return start(engine, setup, error) ? g_steal_pointer(&engine) : NULL;
}

void query_engine_free(struct query_engine *engine)
{
	if (!engine)
		return;
	query_guard_free(engine->guard);
	duck_connection_free(engine->owner);
	duck_database_free(engine->database);
	query_tables_free(engine->tables);
	g_free(engine->folder);
	g_free(engine->temporary);
	g_mutex_clear(&engine->lock);
	g_free(engine);
}

struct query_guard *query_engine_guard(const struct query_engine *engine)
{
	return engine->guard;
}

const struct query_tables *query_engine_tables(const struct query_engine *engine)
{
	return engine->tables;
}

static bool make_view(struct query_engine *engine, struct query_table *table, GError **error)
{
	g_autofree char *file = g_strconcat(engine->folder, "/", table->name, ".parquet", NULL);
	g_autofree char *sql = table->relation ? duck_sql("CREATE VIEW %I AS FROM %S", table->name,
							  table->relation)
					       : duck_sql("CREATE VIEW %I AS FROM read_parquet(%L)",
							  table->name, file);
	g_autoptr(GError) cause = NULL;
	table->has_view = duck_exec(engine->owner, &cause, sql, NULL);
	if (!table->has_view) {
		g_autofree char *hidden = query_engine_hide_paths(engine, cause->message);
		g_set_error(error, AGNES_ERROR, cause->code,
			    "Query error: cannot read table '%s': %s", table->name, hidden);
	}
	return table->has_view;
}

bool query_engine_show(struct query_engine *engine, const GPtrArray *tables, GError **error)
{
	for (guint i = 0; i < tables->len; i++) {
		struct query_table *table = g_ptr_array_index(tables, i);
		if (!table->has_view && !make_view(engine, table, error))
			return false;
	}
	return true;
}

/* Whether the query may go on; from now on a cancellation interrupts it. */
static bool set_running(struct query_engine *engine, struct duck_connection *connection, int64_t id)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&engine->lock);
	engine->running = connection;
	engine->running_id = id;
	return engine->cancelled_id != id;
}

struct duck_connection *query_engine_begin(struct query_engine *engine, int64_t id, GError **error)
{
	g_autoptr(duck_connection) connection = duck_connect(engine->database, error);
	if (!connection || !duck_exec(connection, error, "BEGIN TRANSACTION READ ONLY", NULL))
		return NULL;
	if (set_running(engine, connection, id))
		return g_steal_pointer(&connection);
	set_running(engine, NULL, -1);
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CANCELLED, "the query was cancelled");
	return NULL;
}

void query_engine_end(struct query_engine *engine, struct duck_connection *connection)
{
	set_running(engine, NULL, -1);
	duck_connection_free(connection);
}

void query_engine_cancel(struct query_engine *engine, int64_t id)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&engine->lock);
	engine->cancelled_id = id;
	if (engine->running && engine->running_id == id)
		duck_interrupt(engine->running);
}

static void hide(GString *text, const char *path)
{
	g_autofree char *prefix = g_strconcat(path, "/", NULL);
	g_string_replace(text, prefix, "", 0);
	g_string_replace(text, path, "", 0);
}

char *query_engine_hide_paths(const struct query_engine *engine, const char *message)
{
	GString *text = g_string_new(message);
	hide(text, engine->folder);
	hide(text, engine->temporary);
	hide(text, QUERY_RESULT_PATH);
	return g_string_free(text, FALSE);
}
