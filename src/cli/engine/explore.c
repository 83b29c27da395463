/* The part of da explore that da-engine does. */
#include "base/error.h"
#include "base/json.h"
#include "cli/engine/jobs.h"
#include "cli/engine/local.h"
#include "cli/engine/result.h"
#include "cli/output.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <stdio.h>
#include <string.h>

enum { SAMPLE_ROWS = 5 };

struct exploration {
	const char *table;
	struct duck_connection *connection;
	gint64 rows;
	json_t *columns; /* [{"name", "type", "nullable"}] */
};

static void exploration_clear(struct exploration *exploration)
{
	json_decref(exploration->columns);
}
DEFINE_AUTO(exploration)

static bool exists(const struct exploration *exploration, GError **error)
{
	g_autoptr(duck_rows)
		rows = duck_query(exploration->connection, error,
				  "SELECT 1 FROM information_schema.tables WHERE table_name = ?",
				  "s", exploration->table);
	return rows && duck_rows_next(rows);
}

static int print_others(const struct exploration *exploration)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(duck_rows) rows = duck_query(
		exploration->connection, &error,
		"SELECT DISTINCT table_name FROM information_schema.tables ORDER BY 1", NULL);
	output_warn("Table '%s' not found. Available:\n", exploration->table);
	while (rows && duck_rows_next(rows))
		output_print("  %s\n", duck_rows_text(rows, 0));
	return EXIT_CODE_FAILED;
}

static bool describe(struct exploration *exploration, GError **error)
{
	g_autofree char *count = duck_sql("SELECT count(*) FROM %I", exploration->table);
	g_autofree char *columns = duck_sql(
		"SELECT column_name, column_type, \"null\" FROM (DESCRIBE %I)", exploration->table);
	g_autoptr(duck_rows) counted = duck_query(exploration->connection, error, count, NULL);
	g_autoptr(duck_rows)
		rows = counted ? duck_query(exploration->connection, error, columns, NULL) : NULL;
	if (!rows)
		return false;
	if (duck_rows_next(counted))
		exploration->rows = duck_rows_int(counted, 0);
	exploration->columns = json_array();
	while (duck_rows_next(rows)) {
		g_autofree char *name = g_strdup(duck_rows_text(rows, 0));
		g_autofree char *type = g_strdup(duck_rows_text(rows, 1));
		json_array_append_new(exploration->columns,
				      json_pack("{ss ss ss}", "name", name, "type", type,
						"nullable", duck_rows_text(rows, 2)));
	}
	return true;
}

static struct result *sample(const struct exploration *exploration, bool as_text, GError **error)
{
	g_autofree char *sql = duck_sql("FROM %I", exploration->table);
	return result_open(exploration->connection, sql, SAMPLE_ROWS, as_text, error);
}

static bool print_json(const struct exploration *exploration, GError **error)
{
	g_autoptr(result) rows = sample(exploration, false, error);
	if (!rows)
		return false;
	g_autoptr(json_t) table = json_string(exploration->table);
	g_autofree char *name = json_to_text(table);
	g_autofree char *columns = json_to_text(exploration->columns);
	GString *text = g_string_new(NULL);
	g_string_append_printf(text,
			       "{\"table\":%s,\"row_count\":%" G_GINT64_FORMAT
			       ",\"columns\":%s,\"sample_rows\":",
			       name, exploration->rows, columns);
	bool done = result_append_objects(rows, text, error);
	g_string_append_c(text, '}');
	if (done)
		output_json_text(text->str, text->len);
	g_string_free(text, TRUE);
	return done;
}

static bool print_text(const struct exploration *exploration, GError **error)
{
	size_t i;
	const json_t *column;
	g_autoptr(result) rows = sample(exploration, true, error);
	g_autofree char *count = output_thousands(exploration->rows);
	if (!rows)
		return false;
	output_print("Table: %s\nRows: %s\nColumns (%zu):\n", exploration->table, count,
		     json_array_size(exploration->columns));
	json_array_foreach(exploration->columns, i, column)
		output_print("  %-30s %s\n", json_string_value(json_object_get(column, "name")),
			     json_string_value(json_object_get(column, "type")));
	output_print("\nSample (%d rows):\n", (int)MIN(exploration->rows, SAMPLE_ROWS));
	return result_write(rows, ROWS_TABLE, stdout, error);
}

int engine_explore(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_auto(exploration) exploration = {.table = invocation_text(invocation, "TABLE")};
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	g_autoptr(duck_database) database = workspace ? local_open(workspace, &error) : NULL;
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		output_warn("%s\n", error->message);
		return EXIT_CODE_FAILED;
	}
	g_autoptr(duck_connection) connection = database ? duck_connect(database, &error) : NULL;
	if (!connection)
		return command_fail(error);
	exploration.connection = connection;
	if (!exists(&exploration, &error))
		return error ? command_fail(error) : print_others(&exploration);
	bool done = describe(&exploration, &error) &&
		    (invocation_flag(invocation, "json") ? print_json(&exploration, &error)
							 : print_text(&exploration, &error));
	return done ? EXIT_CODE_OK : command_fail(error);
}
