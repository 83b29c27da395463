/*
 * Measures inside one process, for tests/bench/state.mjs and serve.mjs. Prints the milliseconds of
 * ours and of the peer, the medians of many rounds that alternate:
 *
 *	open DIR	state_open() beside duckdb_open() of the same file
 *	lookup DIR	users by id: through src/duck beside the bare C API, for 1,000 look-ups
 *	commit DIR	the peer alone: one more grant to the group "g-all", prepared and committed
 */
#include "duck/query.h"
#include "state/file.h"
#include "state/state.h"

#include <duckdb.h>
#include <stdio.h>
#include <string.h>

enum { OPENINGS = 15, COMMITS = 40, ROUNDS = 40, LOOK_UPS = 1000, USERS = 10000 };

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, compare);
	return values[count / 2];
}

static double since(gint64 start)
{
	return (double)(g_get_monotonic_time() - start) / 1000;
}

static double open_ours(const char *data_dir)
{
	gint64 start = g_get_monotonic_time();
	g_autoptr(GError) error = NULL;
	g_autoptr(state_db) state = state_open(data_dir, NULL, &error);
	if (!state)
		g_error("%s", error->message);
	return since(start);
}

static double open_bare(const char *path)
{
	gint64 start = g_get_monotonic_time();
	duckdb_database database;
	duckdb_connection connection;
	if (duckdb_open(path, &database) != DuckDBSuccess ||
	    duckdb_connect(database, &connection) != DuckDBSuccess)
		g_error("cannot open %s", path);
	double taken = since(start);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	return taken;
}

static void measure_open(const char *data_dir)
{
	double ours[OPENINGS], peer[OPENINGS];
	g_autofree char *path = state_file_path(data_dir);
	for (int i = 0; i < OPENINGS; i++) {
		ours[i] = open_ours(data_dir);
		peer[i] = open_bare(path);
	}
	printf("%.2f %.2f\n", median(ours, OPENINGS), median(peer, OPENINGS));
}

#define FIND_USER "SELECT email, active FROM users WHERE id = ?"
#define ADD_GRANT                                                                 \
	"INSERT INTO resource_grants (id, group_id, resource_type, resource_id) " \
	"VALUES ($1, 'g-all', 'table', $1)"

static char *user_id(int i)
{
	return g_strdup_printf("user-%d", (i * 7919) % USERS);
}

static double look_up_ours(struct duck_statement *statement)
{
	gint64 start = g_get_monotonic_time();
	for (int i = 0; i < LOOK_UPS; i++) {
		g_autofree char *id = user_id(i);
		g_autoptr(duck_rows) rows = duck_statement_query(statement, NULL, "s", id);
		if (!duck_rows_next(rows) || !strstr(duck_rows_text(rows, 0), "@") ||
		    !duck_rows_bool(rows, 1))
			g_error("wrong row");
	}
	return since(start);
}

static double look_up_bare(duckdb_prepared_statement statement)
{
	gint64 start = g_get_monotonic_time();
	for (int i = 0; i < LOOK_UPS; i++) {
		duckdb_result result;
		g_autofree char *id = user_id(i);
		duckdb_bind_varchar(statement, 1, id);
		if (duckdb_execute_prepared(statement, &result) != DuckDBSuccess)
			g_error("%s", duckdb_result_error(&result));
		duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
		duckdb_string_t *emails = duckdb_vector_get_data(
			duckdb_data_chunk_get_vector(chunk, 0));
		const bool *active = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
		g_autofree char *email = g_strndup(duckdb_string_t_data(emails),
						   duckdb_string_t_length(*emails));
		if (!strstr(email, "@") || !active[0])
			g_error("wrong row");
		duckdb_destroy_data_chunk(&chunk);
		duckdb_destroy_result(&result);
	}
	return since(start);
}

static duckdb_prepared_statement prepare_bare(const char *path, const char *sql,
					      duckdb_database *database,
					      duckdb_connection *connection)
{
	duckdb_prepared_statement statement;
	if (duckdb_open(path, database) != DuckDBSuccess ||
	    duckdb_connect(*database, connection) != DuckDBSuccess ||
	    duckdb_prepare(*connection, sql, &statement) != DuckDBSuccess)
		g_error("cannot prepare on %s", path);
	return statement;
}

static void measure_look_up(const char *data_dir)
{
	double ours[ROUNDS], peer[ROUNDS];
	duckdb_database database;
	duckdb_connection connection;
	g_autofree char *path = state_file_path(data_dir);
	g_autoptr(state_db) state = state_open(data_dir, NULL, NULL);
	g_auto(state_session) session = {0};
	if (!state || !state_session_begin(&session, state, STATE_READ, NULL))
		g_error("cannot open %s", path);
	g_autoptr(duck_statement) statement = duck_prepare(session.connection, FIND_USER, NULL);
	/* fcntl() locks are a process's: DuckDB lets the same one open the file twice. */
	duckdb_prepared_statement bare = prepare_bare(path, FIND_USER, &database, &connection);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = look_up_ours(statement);
		peer[i] = look_up_bare(bare);
	}
	duckdb_destroy_prepare(&bare);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	printf("%.2f %.2f\n", median(ours, ROUNDS), median(peer, ROUNDS));
}

static double commit_bare(duckdb_prepared_statement insert, int i)
{
	duckdb_result result;
	g_autofree char *id = g_strdup_printf("bare_%d", i);
	gint64 start = g_get_monotonic_time();
	duckdb_bind_varchar(insert, 1, id);
	if (duckdb_execute_prepared(insert, &result) != DuckDBSuccess)
		g_error("%s", duckdb_result_error(&result));
	double taken = since(start);
	duckdb_destroy_result(&result);
	return taken;
}

static void measure_commit(const char *data_dir)
{
	double peer[COMMITS];
	duckdb_database database;
	duckdb_connection connection;
	g_autofree char *path = state_file_path(data_dir);
	duckdb_prepared_statement insert = prepare_bare(path, ADD_GRANT, &database, &connection);
	for (int i = 0; i < COMMITS; i++)
		peer[i] = commit_bare(insert, i);
	duckdb_destroy_prepare(&insert);
	duckdb_disconnect(&connection);
	duckdb_close(&database);
	printf("%.2f\n", median(peer, COMMITS));
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "open") == 0)
		measure_open(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "lookup") == 0)
		measure_look_up(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "commit") == 0)
		measure_commit(argv[2]);
	else
		return 2;
	return 0;
}
