/* The child's side: binds one view after the other, locked in with the published files. */
#include "engine/analytics.h"

#include "base/child.h"
#include "base/error.h"
#include "duck/jail.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/remote.h"

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
	struct duck_jail jail;
	GHashTable *broken; /* names of views that cannot be made */
};

static void builder_clear(struct builder *builder)
{
	duck_jail_clear(&builder->jail);
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
	if (duck_exec(builder->jail.connection, &error, sql, NULL))
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
		if (duck_exec(builder->jail.connection, &error, sql, NULL))
			continue;
		/* The message may quote the statement, and with it the token. */
		g_autoptr(GError) safe = g_error_new(AGNES_ERROR, error->code,
						     "its extension refuses to attach it");
		note("the remote database", attach.alias, safe);
	}
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
		if (!duck_transaction_begin(&transaction, builder->jail.connection, error))
			return false;
		if (create_views(builder))
			return duck_transaction_commit(&transaction, error);
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED,
		    "more than %d views cannot be made; see the log", MOST_RESTARTS);
	return false;
}

static bool attach_target(struct builder *builder, GError **error)
{
	g_autofree char *file = g_build_filename(builder->work, "server.duckdb", NULL);
	g_autofree char *sql = duck_sql("ATTACH %L AS server", file);
	return duck_exec(builder->jail.connection, error, sql, NULL);
}

static bool build(GError **error)
{
	g_auto(builder) builder = {0};
	if (!read_request(&builder, error))
		return false;
	const struct duck_jail_options options = {
		.readable = builder.published,
		.writable = builder.work,
		.memory_mb = builder.memory_mb,
		.threads = builder.threads,
		.profile = json_array_size(builder.attached) > 0 ? SANDBOX_NETWORK
								 : SANDBOX_OFFLINE,
		.newest_landlock = builder.newest_landlock,
	};
	if (!duck_jail_open(&builder.jail, &options, error))
		return false;
	load_extensions(&builder);
	if (!duck_jail_enter(&builder.jail, error))
		return false;
	attach_remotes(&builder);
	return duck_jail_close(&builder.jail, error) && attach_target(&builder, error) &&
	       create_all(&builder, error) &&
	       duck_exec(builder.jail.connection, error, "DETACH server", NULL);
}

void analytics_run(void)
{
	g_autoptr(GError) error = NULL;
	if (build(&error)) {
		child_answer(json_pack("{sb}", "done", 1));
	} else {
		g_autofree char *message = child_error_text(error);
		child_answer(json_pack("{ss}", "error", message));
	}
	/* LeakSanitizer would want ptrace(), and there is nothing left to flush. */
	_exit(EXIT_SUCCESS);
}
