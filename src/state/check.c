/* The examination of a state database, table by table. */
#include "state/check.h"

#include "base/error.h"
#include "base/files.h"
#include "duck/database.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "state/backup.h"
#include "state/file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/*
 * How many rows are looked up by each key; of larger tables a sample. That every row is in the
 * index is seen when all are deleted, this is about the way that queries take.
 */
enum { LOOK_UPS = 10000 };

struct examination {
	const char *path;
	struct duck_database *database;
	struct duck_connection *connection;
	GPtrArray *problems;
	guint tables;
	gint64 rows;
};

static void examination_clear(struct examination *examination)
{
	duck_connection_free(examination->connection);
	duck_database_free(examination->database);
}
DEFINE_AUTO(examination)

static bool examination_open(struct examination *examination, bool read_only, GError **error)
{
	const struct duck_options options = {.read_only = read_only, .threads = 2};
	g_clear_pointer(&examination->connection, duck_connection_free);
	g_clear_pointer(&examination->database, duck_database_free);
	examination->database = duck_database_open(examination->path, &options, error);
	if (!examination->database)
		return false;
	examination->connection = duck_connect(examination->database, error);
	return examination->connection != NULL;
}

static void G_GNUC_PRINTF(2, 3)
	add_problem(struct examination *examination, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_ptr_array_add(examination->problems, g_strdup_vprintf(format, args));
	va_end(args);
}

static GPtrArray *list_tables(struct examination *examination, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		examination->connection, error,
		"SELECT table_name FROM duckdb_tables() "
		"WHERE database_name = current_database() AND schema_name = 'main' "
		"AND NOT internal ORDER BY table_name",
		NULL);
	if (!rows)
		return NULL;
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	while (duck_rows_next(rows))
		g_ptr_array_add(names, g_strdup(duck_rows_text(rows, 0)));
	return names;
}

/* The hash makes DuckDB read every column. */
static bool read_table(struct examination *examination, const char *table, GError **error)
{
	g_autofree char *sql = duck_sql(
		"SELECT count(*), bit_xor(hash(row_of_table)) FROM %I AS row_of_table", table);
	g_autoptr(duck_rows) rows = duck_query(examination->connection, error, sql, NULL);
	if (!rows || !duck_rows_next(rows))
		return false;
	examination->rows += duck_rows_int(rows, 0);
	examination->tables++;
	return true;
}

/* The columns that are a key by themselves, quoted; NULL on error. */
static GPtrArray *list_keys(struct examination *examination, const char *table, GError **error)
{
	g_autoptr(duck_rows)
		rows = duck_query(examination->connection, error,
				  "SELECT constraint_column_names[1] FROM duckdb_constraints() "
				  "WHERE database_name = current_database() AND table_name = ? "
				  "AND constraint_type IN ('PRIMARY KEY', 'UNIQUE') "
				  "AND len(constraint_column_names) = 1",
				  "s", table);
	if (!rows)
		return NULL;
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
	while (duck_rows_next(rows))
		g_ptr_array_add(keys, g_strdup(duck_rows_text(rows, 0)));
	return keys;
}

/* Looks rows up as a query does, which reads the index. -1 on error, else how many were missed. */
static gint64 look_up(struct examination *examination, const char *table, const char *key,
		      GError **error)
{
	gint64 missed = 0;
	g_autofree char *list = duck_sql("SELECT %I::VARCHAR FROM %I WHERE %I IS NOT NULL "
					 "AND NOT contains(%I::VARCHAR, chr(0)) "
					 "USING SAMPLE %d ROWS",
					 key, table, key, key, LOOK_UPS);
	g_autofree char *find = duck_sql("SELECT count(*) FROM %I WHERE %I = ?", table, key);
	g_autoptr(duck_rows) rows = duck_query(examination->connection, error, list, NULL);
	g_autoptr(duck_statement)
		statement = rows ? duck_prepare(examination->connection, find, error) : NULL;
	if (!statement)
		return -1;
	while (duck_rows_next(rows)) {
		g_autoptr(duck_rows) found = duck_statement_query(statement, error, "s",
								  duck_rows_text(rows, 0));
		if (!found || !duck_rows_next(found))
			return -1;
		missed += duck_rows_int(found, 0) == 1 ? 0 : 1;
	}
	return missed;
}

static bool look_up_keys(struct examination *examination, const char *table, GError **error)
{
	g_autoptr(GPtrArray) keys = list_keys(examination, table, error);
	if (!keys)
		return false;
	for (guint i = 0; i < keys->len; i++) {
		const char *key = g_ptr_array_index(keys, i);
		gint64 missed = look_up(examination, table, key, error);
		if (missed < 0)
			return false;
		if (missed > 0)
			add_problem(examination,
				    "table %s: %" G_GINT64_FORMAT " rows are not found by %s",
				    table, missed, key);
	}
	return true;
}

/* Goes on after a failure, with the database opened again if that ended it. */
static bool add_failure(struct examination *examination, const char *table, GError *failure,
			GError **error)
{
	/* What follows the first line are the rows themselves. */
	failure->message[strcspn(failure->message, "\n")] = '\0';
	add_problem(examination, "table %s: %s", table, failure->message);
	return !g_error_matches(failure, AGNES_ERROR, AGNES_ERROR_FATAL) ||
	       examination_open(examination, false, error);
}

static bool examine_rows(struct examination *examination, GPtrArray *tables, GError **error)
{
	for (guint i = 0; i < tables->len; i++) {
		g_autoptr(GError) failure = NULL;
		const char *table = g_ptr_array_index(tables, i);
		if ((!read_table(examination, table, &failure) ||
		     !look_up_keys(examination, table, &failure)) &&
		    !add_failure(examination, table, failure, error))
			return false;
	}
	return true;
}

/*
 * Deletes all rows of the copy. DuckDB then removes each of them from every index, also from those
 * that no query reads, and fails when one is not there. Tables that others still refer to are left
 * for the next round.
 */
static bool examine_indexes(struct examination *examination, GPtrArray *tables, GError **error)
{
	g_autoptr(GPtrArray) left = g_ptr_array_new();
	g_ptr_array_extend(left, tables, NULL, NULL);
	for (guint before = left->len + 1; left->len > 0 && left->len < before;) {
		before = left->len;
		for (guint i = left->len; i > 0; i--) {
			g_autoptr(GError) failure = NULL;
			const char *table = g_ptr_array_index(left, i - 1);
			g_autofree char *sql = duck_sql("DELETE FROM %I", table);
			bool done = duck_exec(examination->connection, &failure, sql, NULL);
			if (g_error_matches(failure, AGNES_ERROR, AGNES_ERROR_CONFLICT))
				continue;
			g_ptr_array_remove_index(left, i - 1);
			if (!done && !add_failure(examination, table, failure, error))
				return false;
		}
	}
	return true;
}

/* Memberships and grants of groups that are gone: files of old versions had no foreign keys. */
static bool examine_references(struct examination *examination, GPtrArray *tables, GError **error)
{
	static const char *const referring[] = {"user_group_members", "resource_grants"};
	for (size_t i = 0; i < G_N_ELEMENTS(referring); i++) {
		if (!g_ptr_array_find_with_equal_func(tables, referring[i], g_str_equal, NULL) ||
		    !g_ptr_array_find_with_equal_func(tables, "user_groups", g_str_equal, NULL))
			continue;
		g_autofree char *sql = duck_sql(
			"SELECT count(*) FROM %I "
			"WHERE group_id NOT IN (SELECT id FROM user_groups)",
			referring[i]);
		g_autoptr(duck_rows) rows = duck_query(examination->connection, error, sql, NULL);
		if (!rows || !duck_rows_next(rows))
			return false;
		if (duck_rows_int(rows, 0) > 0)
			add_problem(examination,
				    "table %s: %" G_GINT64_FORMAT
				    " rows refer to groups that are not there",
				    referring[i], (gint64)duck_rows_int(rows, 0));
	}
	return true;
}

static bool examine(struct examination *examination, GError **error)
{
	if (!examination_open(examination, false, error))
		return false;
	g_autoptr(GPtrArray) tables = list_tables(examination, error);
	if (!tables)
		return false;
	return examine_rows(examination, tables, error) &&
	       (examination->problems->len > 0 || examine_references(examination, tables, error)) &&
	       examine_indexes(examination, tables, error);
}

/* The file and its journal, side by side in a folder of their own. */
static bool copy_state(int from, const char *path, const char *to, GError **error)
{
	g_autofree char *journal = g_strconcat(path, ".wal", NULL);
	g_autofree char *journal_copy = g_strconcat(to, ".wal", NULL);
	return files_copy_open(from, to, error) && (!g_file_test(journal, G_FILE_TEST_EXISTS) ||
						    files_copy(journal, journal_copy, error));
}

static void remove_copy(const char *folder, const char *copy)
{
	g_autofree char *journal = g_strconcat(copy, ".wal", NULL);
	g_unlink(copy);
	g_unlink(journal);
	g_rmdir(folder);
}

/* What makes a database unusable is what was asked for; anything else keeps us from looking. */
static bool is_finding(const GError *error)
{
	return error->code != AGNES_ERROR_NO_SPACE && error->code != AGNES_ERROR_DENIED &&
	       error->code != AGNES_ERROR_BUSY;
}

static bool examine_copy(int from, const char *path, GPtrArray *problems, char **summary,
			 GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autofree char *folder = g_strconcat(path, ".check-XXXXXX", NULL);
	if (!g_mkdtemp(folder)) {
		agnes_set_errno(error, errno, "cannot make a folder beside %s", path);
		return false;
	}
	g_autofree char *copy = g_build_filename(folder, "system.duckdb", NULL);
	bool examined;
	{
		g_auto(examination) examination = {.path = copy, .problems = problems};
		examined = copy_state(from, path, copy, &cause) && examine(&examination, &cause);
		*summary = g_strdup_printf("%u tables, %" G_GINT64_FORMAT " rows",
					   examination.tables, examination.rows);
	}
	remove_copy(folder, copy);
	if (examined)
		return true;
	if (is_finding(cause)) {
		g_ptr_array_add(problems, g_strdup(cause->message));
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&cause));
	return false;
}

bool state_check(const char *data_dir, GPtrArray *problems, char **summary, GError **error)
{
	g_autofree char *path = state_file_path(data_dir);
	if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		*summary = g_strdup("no database yet");
		if (backup_exists(data_dir))
			g_ptr_array_add(problems, g_strdup_printf("%s is missing, but there are "
								  "backups of it",
								  path));
		return true;
	}
	int fd = state_file_lock(path, error);
	if (fd < 0)
		return false;
	bool examined = examine_copy(fd, path, problems, summary, error);
	close(fd);
	return examined;
}

bool state_check_readable(const char *path, GError **error)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_auto(examination) examination = {.path = path, .problems = problems};
	g_autoptr(GPtrArray) tables = examination_open(&examination, true, error)
					      ? list_tables(&examination, error)
					      : NULL;
	if (!tables)
		return false;
	for (guint i = 0; i < tables->len; i++) {
		if (!read_table(&examination, g_ptr_array_index(tables, i), error))
			return false;
	}
	if (tables->len > 0)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT, "%s holds no tables", path);
	return false;
}
