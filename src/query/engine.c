/* DuckDB in its jail, its views, and cancelling. */
#include "query/engine.h"

#include "base/error.h"
#include "duck/helpers.h"
#include "duck/jail.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "query/cells.h"
#include "query/remote.h"

/* A file that DuckDB spills to stays below the limit on all of them; this is for its overhead. */
enum { SPILL_OVERHEAD_MIB = 64 };

struct query_engine {
	struct duck_jail jail; /* its connection makes views; no query runs on it */
	struct query_guard *guard;
	struct query_memory *memory;
	struct duck_helpers *helpers;
	struct query_tables *tables;
	char *folder, *temporary;
	int temporary_mb;
	bool spent;
	GMutex lock; /* over the three below */
	struct duck_connection *running;
	int64_t running_id, cancelled_id;
};

static bool refuse_setup(const json_error_t *problem, GError **error)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "the worker's setup is wrong: %s",
		    problem->text);
	return false;
}

static bool start(struct query_engine *engine, const json_t *json, GError **error)
{
	json_error_t problem;
	const char *temporary;
	struct duck_jail_options options = {.parent = QUERY_WORKER_SOCKET, .late_threads = true};
	if (json_unpack_ex((json_t *)json, &problem, 0, "{ss si si si si si}", "temporary",
			   &temporary, "memory_mb", &options.memory_mb, "temporary_mb",
			   &engine->temporary_mb, "address_space_mb", &options.address_space_mb,
			   "threads", &options.threads, "landlock", &options.newest_landlock) != 0)
		return refuse_setup(&problem, error);
	engine->temporary = g_strdup(temporary);
	options.writable = engine->temporary;
	options.file_mb = engine->temporary_mb + SPILL_OVERHEAD_MIB;
	return duck_jail_open(&engine->jail, &options, error) &&
	       cells_define(engine->jail.connection, CELLS_OF_DATABASE, error);
}

static bool enter_jail(struct query_engine *engine, const json_t *remote, bool network,
		       GError **error)
{
	g_autoptr(GArray) paths = g_array_new(FALSE, FALSE, sizeof(struct sandbox_path));
	struct duck_jail_options *options = &engine->jail.options;
	if (network)
		remote_append_paths(paths);
	options->readable = engine->folder;
	options->profile = network ? SANDBOX_NETWORK : SANDBOX_OFFLINE;
	options->more = (const struct sandbox_path *)paths->data;
	options->more_count = paths->len;
	bool entered = (!network || remote_load(engine->jail.connection, remote, error)) &&
		       duck_jail_enter(&engine->jail, error) &&
		       (!network || remote_attach(engine->jail.connection, remote, error));
	options->more = NULL;
	options->more_count = 0;
	return entered;
}

/* Files never change while they are in the folder, so what is known of them can be kept. */
static bool set_up_database(const struct query_engine *engine, GError **error)
{
	g_autofree char *sql = duck_sql("SET max_temp_directory_size = '%dMiB';"
					"SET parquet_metadata_cache = true;"
					"SET allow_community_extensions = false;"
					"SET allow_persistent_secrets = false;"
					"SET allowed_paths = [%L]",
					engine->temporary_mb, QUERY_RESULT_PATH);
	return duck_exec(engine->jail.connection, error, sql, NULL);
}

struct query_engine *query_engine_new(const json_t *options, GError **error)
{
	g_autoptr(query_engine) engine = g_new0(struct query_engine, 1);
	g_mutex_init(&engine->lock);
	engine->running_id = engine->cancelled_id = -1;
	engine->memory = query_memory_new();
	return start(engine, options, error) ? g_steal_pointer(&engine) : NULL;
}

bool query_engine_open(struct query_engine *engine, const json_t *setup, GError **error)
{
	json_error_t problem;
	const char *folder;
	const json_t *tables, *remote = NULL;
	int network;
	if (json_unpack_ex((json_t *)setup, &problem, 0, "{ss so sb s?o}", "folder", &folder,
			   "tables", &tables, "network", &network, "remote", &remote) != 0)
		return refuse_setup(&problem, error);
	engine->folder = g_strdup(folder);
	engine->tables = query_tables_new(tables, error);
	if (!engine->tables || !enter_jail(engine, remote, network, error) ||
	    !set_up_database(engine, error) || !duck_jail_close(&engine->jail, error))
		return false;
	engine->guard = query_guard_new(engine->jail.database, engine->tables, error);
	if (!engine->guard)
		return false;
	engine->helpers = duck_helpers_new(engine->jail.database,
					   (unsigned)engine->jail.options.threads - 1, error);
	return engine->helpers != NULL;
}

void query_engine_free(struct query_engine *engine)
{
	if (!engine)
		return;
	duck_helpers_free(engine->helpers);
	query_guard_free(engine->guard);
	query_memory_free(engine->memory);
	duck_jail_clear(&engine->jail);
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

struct query_memory *query_engine_memory(const struct query_engine *engine)
{
	return engine->memory;
}

static bool make_view(struct query_engine *engine, struct query_table *table, GError **error)
{
	g_autofree char *file = g_strconcat(engine->folder, "/", table->name, ".parquet", NULL);
	g_autofree char *sql = table->relation ? duck_sql("CREATE VIEW %I AS FROM %S", table->name,
							  table->relation)
					       : duck_sql("CREATE VIEW %I AS FROM read_parquet(%L)",
							  table->name, file);
	g_autoptr(GError) cause = NULL;
	table->has_view = duck_exec(engine->jail.connection, &cause, sql, NULL);
	if (!table->has_view) {
		engine->spent = engine->spent || table->relation;
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

bool query_engine_is_spent(const struct query_engine *engine)
{
	return engine->spent;
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
	g_autoptr(duck_connection) connection = duck_connect(engine->jail.database, error);
	if (!connection || !duck_exec(connection, error, "BEGIN TRANSACTION READ ONLY", NULL))
		return NULL;
	if (set_running(engine, connection, id)) {
		duck_helpers_stand_by(engine->helpers);
		return g_steal_pointer(&connection);
	}
	set_running(engine, NULL, -1);
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CANCELLED, "the query was cancelled");
	return NULL;
}

void query_engine_end(struct query_engine *engine, struct duck_connection *connection)
{
	duck_helpers_dismiss(engine->helpers);
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
