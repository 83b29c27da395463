/* The child's side: binds one view after the other, locked in with the published files. */
#include "engine/analytics.h"

#include "base/child.h"
#include "base/error.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/remote.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	/* How often all views are made anew because one of them broke the transaction. */
	MOST_RESTARTS = 100,
};

struct builder {
	char *published, *work;
	json_t *tables, *attached;
	int memory_mb, threads, newest_landlock;
	struct duck_database *database;
	struct duck_connection *connection;
	GHashTable *broken; /* names of views that cannot be made */
};

static void builder_clear(struct builder *builder)
{
	duck_connection_free(builder->connection);
	duck_database_free(builder->database);
	json_decref(builder->tables);
	json_decref(builder->attached);
	g_clear_pointer(&builder->broken, g_hash_table_unref);
	g_free(builder->published);
	g_free(builder->work);
}
DEFINE_AUTO(builder)

static bool read_request(struct builder *builder, GError **error)
{
	g_autoptr(json_t) request = child_read_request(error);
	if (!request)
		return false;
	const char *published, *work;
	json_t *tables, *attached;
	json_error_t problem;
	if (json_unpack_ex(request, &problem, JSON_STRICT, "{ss ss si si si so so}", "published",
			   &published, "work", &work, "memory_mb", &builder->memory_mb, "threads",
			   &builder->threads, "newest_landlock", &builder->newest_landlock,
			   "tables", &tables, "attached", &attached) < 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "request: %s", problem.text);
		return false;
	}
	builder->published = g_strdup(published);
	builder->work = g_strdup(work);
	builder->tables = json_incref(tables);
	builder->attached = json_incref(attached);
	builder->broken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return true;
}

static void note(const char *what, const char *name, const GError *error)
{
	g_autofree char *cause = child_error_text(error);
	g_autofree char *text = g_strdup_printf("%s '%s' is left out: %s", what, name, cause);
	child_answer(json_pack("{ss}", "note", text));
}

static bool exec_about(struct builder *builder, const char *what, const char *name, const char *sql)
{
	g_autoptr(GError) error = NULL;
	if (duck_exec(builder->connection, &error, sql, NULL))
		return true;
	note(what, name, error);
	return false;
}

/* Extensions are read from files, so before the sandbox closes; a missing one costs its tables. */
static void load_extensions(struct builder *builder)
{
	size_t i;
	const json_t *attach;
	json_array_foreach(builder->attached, i, attach)
	{
		const char *extension = json_string_value(json_array_get(attach, 1));
		g_autofree char *sql = duck_sql("LOAD %I", extension);
		exec_about(builder, "the extension", extension, sql);
	}
}

static bool open_database(struct builder *builder, GError **error)
{
	g_autofree char *memory = g_strdup_printf("%dMB", builder->memory_mb);
	const struct duck_options options = {
		.threads = 1,
		.memory_limit = memory,
		.temp_directory = builder->work,
	};
	builder->database = duck_database_open(NULL, &options, error);
	builder->connection = builder->database ? duck_connect(builder->database, error) : NULL;
	if (!builder->connection)
		return false;
	load_extensions(builder);
	return true;
}

static bool enter_sandbox(const struct builder *builder, GError **error)
{
	const struct sandbox_path paths[] = {
		{builder->published, SANDBOX_READ},
		{builder->work, SANDBOX_READ_WRITE},
	};
	const struct sandbox_plan plan = {
		.profile = json_array_size(builder->attached) > 0 ? SANDBOX_NETWORK
								  : SANDBOX_OFFLINE,
		.paths = paths,
		.path_count = G_N_ELEMENTS(paths),
		.newest_landlock = builder->newest_landlock,
	};
	return sandbox_enter(&plan, error) && process_end_with_parent(STDIN_FILENO, error);
}

static void attach_remotes(struct builder *builder)
{
	size_t i;
	json_t *value;
	json_array_foreach(builder->attached, i, value)
	{
		struct published_attach attach = {0};
		const char *token;
		if (json_unpack(value, "[ssss]", &attach.alias, &attach.extension, &attach.url,
				&token) < 0)
			continue;
		g_autofree char *sql = remote_attach_sql(&attach, token);
		g_autoptr(GError) error = NULL;
		if (duck_exec(builder->connection, &error, sql, NULL))
			continue;
		/* The message may quote the statement, and with it the token. */
		g_autoptr(GError) safe = g_error_new(AGNES_ERROR, error->code,
						     "its extension refuses to attach it");
		note("the remote database", attach.alias, safe);
	}
}

static bool confine_database(struct builder *builder, GError **error)
{
	g_autofree char *file = g_build_filename(builder->work, "server.duckdb", NULL);
	g_autofree char *sql = duck_sql(
		"SET threads = %d; ATTACH %L AS server; SET allowed_directories = [%L, %L]; "
		"SET enable_external_access = false; SET lock_configuration = true",
		builder->threads, file, builder->published, builder->work);
	return duck_exec(builder->connection, error, sql, NULL);
}

static char *view_sql(const json_t *table)
{
	const char *part[4];
	for (size_t i = 0; i < G_N_ELEMENTS(part); i++)
		part[i] = json_string_value(json_array_get(table, i));
	if (part[2])
		return duck_sql("CREATE VIEW server.main.%I AS SELECT * FROM %I.%I.%I", part[0],
				part[1], part[2], part[3]);
	return duck_sql("CREATE VIEW server.main.%I AS SELECT * FROM read_parquet(%L, "
			"hive_partitioning = false)",
			part[0], part[1]);
}

/* Makes the views but those known to be broken; stops at one more that is. */
static bool create_views(struct builder *builder)
{
	size_t i;
	const json_t *table;
	json_array_foreach(builder->tables, i, table)
	{
		const char *name = json_string_value(json_array_get(table, 0));
		g_autofree char *sql = view_sql(table);
		if (g_hash_table_contains(builder->broken, name))
			continue;
		if (!exec_about(builder, "table", name, sql)) {
			g_hash_table_add(builder->broken, g_strdup(name));
			return false;
		}
	}
	return true;
}

/* In one transaction, because a commit for each view would cost a sync of the disk each. */
static bool create_all(struct builder *builder, GError **error)
{
	for (int attempt = 0; attempt < MOST_RESTARTS; attempt++) {
		g_auto(duck_transaction) transaction = {0};
		if (!duck_transaction_begin(&transaction, builder->connection, error))
			return false;
		if (create_views(builder))
			return duck_transaction_commit(&transaction, error);
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
		    "more than %d views cannot be made; see the log", MOST_RESTARTS);
	return false;
}

static bool build(GError **error)
{
	g_auto(builder) builder = {0};
	if (!read_request(&builder, error) || !open_database(&builder, error) ||
	    !enter_sandbox(&builder, error))
		return false;
	attach_remotes(&builder);
	return confine_database(&builder, error) && create_all(&builder, error) &&
	       duck_exec(builder.connection, error, "DETACH server", NULL);
}

void analytics_run(void)
{
	g_autoptr(GError) error = NULL;
	signal(SIGPIPE, SIG_IGN);
	if (build(&error)) {
		child_answer(json_pack("{sb}", "done", 1));
	} else {
		g_autofree char *message = child_error_text(error);
		child_answer(json_pack("{ss}", "error", message));
	}
	/* LeakSanitizer would want ptrace(), and there is nothing left to flush. */
	_exit(EXIT_SUCCESS);
}
