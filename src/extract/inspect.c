/* The child that looks into published files: footers, and on demand every value. */
#include "base/child.h"
#include "base/error.h"
#include "duck/jail.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/check.h"

#include <stdlib.h>
#include <unistd.h>

/* Hashing a row makes DuckDB decode all of it. */
static bool read_values(struct duck_jail *jail, const char *path, GError **error)
{
	g_autofree char *sql = duck_sql("SELECT bit_xor(hash(t)) FROM read_parquet(%L, "
					"hive_partitioning = false) t",
					path);
	return duck_exec(jail->connection, error, sql, NULL);
}

static bool read_footer(struct duck_jail *jail, const char *path, json_t *answer, GError **error)
{
	g_autofree char *sql = duck_sql(
		"SELECT num_rows::BIGINT, (SELECT num_children::BIGINT FROM parquet_schema(%L) "
		"WHERE column_id = 0) FROM parquet_file_metadata(%L)",
		path, path);
	g_autoptr(duck_rows) rows = duck_query(jail->connection, error, sql, NULL);
	if (!rows || !duck_rows_next(rows))
		return false;
	json_object_set_new(answer, "rows", json_integer(duck_rows_int(rows, 0)));
	json_object_set_new(answer, "columns", json_integer(duck_rows_int(rows, 1)));
	return true;
}

static void inspect(struct duck_jail *jail, size_t number, const char *path, bool deep)
{
	g_autoptr(GError) error = NULL;
	json_t *answer = json_pack("{sI}", "file", (json_int_t)number);
	if (!read_footer(jail, path, answer, &error) ||
	    (deep && !read_values(jail, path, &error))) {
		g_autofree char *message = error ? child_error_text(error)
						 : g_strdup("it has no footer");
		json_object_set_new(answer, "error", json_string(message));
	}
	child_answer(answer);
}

static void answer_view(struct duck_jail *jail, const char *view)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *sql = duck_sql("SELECT * FROM inspected.main.%I LIMIT 0", view);
	if (duck_exec(jail->connection, &error, sql, NULL))
		return;
	g_autofree char *message = child_error_text(error);
	child_answer(json_pack("{ss ss}", "view", view, "error", message));
}

static bool bind_views(struct duck_jail *jail, const char *path, GError **error)
{
	g_autofree char *sql = duck_sql("ATTACH %L AS inspected (READ_ONLY)", path);
	if (!duck_exec(jail->connection, error, sql, NULL))
		return false;
	g_autoptr(duck_rows)
		rows = duck_query(jail->connection, error,
				  "SELECT view_name FROM duckdb_views() WHERE NOT internal "
				  "AND database_name = 'inspected' AND schema_name = 'main'",
				  NULL);
	if (!rows)
		return false;
	g_autoptr(GPtrArray) views = g_ptr_array_new_with_free_func(g_free);
	while (duck_rows_next(rows))
		g_ptr_array_add(views, g_strdup(duck_rows_text(rows, 0)));
	for (guint i = 0; i < views->len; i++)
		answer_view(jail, g_ptr_array_index(views, i));
	return true;
}

static void inspect_database(struct duck_jail *jail, const char *path)
{
	g_autoptr(GError) error = NULL;
	if (bind_views(jail, path, &error))
		return;
	g_autofree char *message = child_error_text(error);
	child_answer(json_pack("{ss}", "database", message));
}

static bool inspect_all(GError **error)
{
	g_autoptr(json_t) request = child_read_request(error);
	if (!request)
		return false;
	struct duck_jail_options options = {.profile = SANDBOX_OFFLINE};
	json_error_t problem;
	json_t *files, *file;
	const char *database;
	int deep;
	size_t i;
	if (json_unpack_ex(request, &problem, JSON_STRICT, "{ss ss si si si sb ss so}", "published",
			   &options.readable, "work", &options.writable, "memory_mb",
			   &options.memory_mb, "threads", &options.threads, "newest_landlock",
			   &options.newest_landlock, "deep", &deep, "database", &database, "files",
			   &files) < 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "request: %s", problem.text);
		return false;
	}
	g_auto(duck_jail) jail = {0};
	if (!duck_jail_open(&jail, &options, error) || !duck_jail_enter(&jail, error) ||
	    !duck_jail_close(&jail, error))
		return false;
	if (*database)
		inspect_database(&jail, database);
	json_array_foreach(files, i, file) inspect(&jail, i, json_string_value(file), deep);
	return true;
}

void inspect_run(void)
{
	g_autoptr(GError) error = NULL;
	if (inspect_all(&error)) {
		child_answer(json_pack("{sb}", "done", 1));
	} else {
		g_autofree char *message = child_error_text(error);
		child_answer(json_pack("{ss}", "error", message));
	}
	/* LeakSanitizer would want ptrace(), and there is nothing left to flush. */
	_exit(EXIT_SUCCESS);
}
