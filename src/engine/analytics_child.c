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
	/*
	 * How many views of one source may fail, each of which breaks the transaction so that all
	 * views are made anew.
	 */
	MOST_FAILURES = 10,
	MOST_SHARES = 8,
};

struct builder {
	char *published, *work;
	json_t *tables, *attached;
	int memory_mb, threads, newest_landlock;
	struct duck_jail jail;
};

static void builder_clear(struct builder *builder)
{
	duck_jail_clear(&builder->jail);
	json_decref(builder->tables);
	json_decref(builder->attached);
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
	return true;
}

static char *left_out(const char *what, const char *name, const GError *error)
{
	g_autofree char *cause = child_error_text(error);
	return g_strdup_printf("%s '%s' is left out: %s", what, name, cause);
}

static void note(const char *what, const char *name, const GError *error)
{
	g_autofree char *text = left_out(what, name, error);
	child_answer(json_pack("{ss}", "note", text));
}

/* Extensions are read from files, so before the sandbox closes; a missing one costs its tables. */
static void load_extensions(struct builder *builder)
{
	size_t i;
	const json_t *attach;
	json_array_foreach(builder->attached, i, attach)
	{
		const char *extension = json_string_value(json_object_get(attach, "extension"));
		const char *folder = json_string_value(json_object_get(attach, "folder"));
		g_autoptr(GError) error = NULL;
		if (!remote_load_extension(builder->jail.connection, folder, extension, &error))
			note("the extension", extension, error);
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
		if (json_unpack(value, "{ss ss ss ss}", "alias", &attach.alias, "extension",
				&attach.extension, "url", &attach.url, "token", &token) < 0)
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
		part[i] = json_string_value(json_array_get(table, i + 1));
	if (part[2])
		return duck_sql("CREATE VIEW server.main.%I AS SELECT * FROM %I.%I.%I", part[0],
				part[1], part[2], part[3]);
	return duck_sql("CREATE VIEW server.main.%I AS SELECT * FROM read_parquet(%L, "
			"hive_partitioning = false)",
			part[0], part[1]);
}

/* The views that one thread makes: every n-th. */
struct share {
	const struct builder *builder;
	size_t first, step;
	struct duck_connection *connection;
	GHashTable *broken;   /* names of views that cannot be made */
	GHashTable *failures; /* source → how many of its views cannot */
	GHashTable *given_up; /* source → index of its last view that is tried */
	GPtrArray *notes;     /* what to say about them */
	GError *error;
};

static bool is_given_up(const struct share *share, const char *source, size_t index)
{
	gpointer last;
	return g_hash_table_lookup_extended(share->given_up, source, NULL, &last) &&
	       index > GPOINTER_TO_SIZE(last);
}

static void add_failure(struct share *share, const char *source, const char *name, size_t index,
			const GError *error)
{
	int failures = GPOINTER_TO_INT(g_hash_table_lookup(share->failures, source)) + 1;
	g_hash_table_replace(share->failures, g_strdup(source), GINT_TO_POINTER(failures));
	g_hash_table_add(share->broken, g_strdup(name));
	g_ptr_array_add(share->notes, left_out("table", name, error));
	if (failures < MOST_FAILURES)
		return;
	g_hash_table_replace(share->given_up, g_strdup(source), GSIZE_TO_POINTER(index));
	g_ptr_array_add(share->notes,
			g_strdup_printf("source '%s': %d of its tables are left out, and with them "
					"those that follow; run 'agnesd check'",
					source, failures));
}

/* Makes the views but those known to be broken; stops at one more that is. */
static bool create_views(struct share *share)
{
	for (size_t i = share->first; i < json_array_size(share->builder->tables);
	     i += share->step) {
		const json_t *table = json_array_get(share->builder->tables, i);
		const char *source = json_string_value(json_array_get(table, 0));
		const char *name = json_string_value(json_array_get(table, 1));
		g_autofree char *sql = view_sql(table);
		g_autoptr(GError) error = NULL;
		if (g_hash_table_contains(share->broken, name) || is_given_up(share, source, i) ||
		    duck_exec(share->connection, &error, sql, NULL))
			continue;
		add_failure(share, source, name, i, error);
		return false;
	}
	return true;
}

/* In one transaction, because a commit for each view would cost a sync of the disk each. */
static gpointer create_share(gpointer data)
{
	struct share *share = data;
	/* Each round knows of one more broken view, so there is an end. */
	for (;;) {
		g_auto(duck_transaction) transaction = {0};
		if (!duck_transaction_begin(&transaction, share->connection, &share->error))
			return NULL;
		if (create_views(share)) {
			duck_transaction_commit(&transaction, &share->error);
			return NULL;
		}
	}
}

static bool open_share(struct share *share, struct builder *builder, size_t number, size_t count,
		       GError **error)
{
	share->builder = builder;
	share->first = number;
	share->step = count;
	share->connection = duck_connect(builder->jail.database, error);
	share->broken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	share->failures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	share->given_up = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	share->notes = g_ptr_array_new_with_free_func(g_free);
	return share->connection != NULL;
}

/* Tells what the share had to leave out. */
static bool close_share(struct share *share, GError **error)
{
	for (guint i = 0; i < share->notes->len; i++)
		child_answer(json_pack("{ss}", "note",
				       (const char *)g_ptr_array_index(share->notes, i)));
	duck_connection_free(share->connection);
	g_hash_table_unref(share->broken);
	g_hash_table_unref(share->failures);
	g_hash_table_unref(share->given_up);
	g_ptr_array_unref(share->notes);
	if (!share->error)
		return true;
	g_clear_error(error);
	g_propagate_error(error, share->error);
	return false;
}

/* Binding a view reads a file's footer, which several threads can do side by side. */
static bool create_all(struct builder *builder, GError **error)
{
	size_t count = (size_t)CLAMP(builder->threads, 1, MOST_SHARES);
	struct share shares[MOST_SHARES] = {0};
	GThread *threads[MOST_SHARES] = {0};
	bool created = true;
	for (size_t i = 0; i < count; i++)
		created = open_share(&shares[i], builder, i, count, created ? error : NULL) &&
			  created;
	for (size_t i = 0; created && i < count; i++)
		threads[i] = g_thread_new("views", create_share, &shares[i]);
	for (size_t i = 0; i < count; i++) {
		if (threads[i])
			g_thread_join(threads[i]);
		created = close_share(&shares[i], error) && created;
	}
	return created;
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
