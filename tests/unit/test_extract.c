/* src/extract: names, and what a writer leaves on disk whatever happens. */
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "duck/sql.h"
#include "duck_fixture.h"
#include "extract/names.h"
#include "extract/writer.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { RUN_TIME = 1700000000 };
#define RUN_MICROSECONDS (RUN_TIME * G_GINT64_CONSTANT(1000000))

static void names_follow_their_rule(void **state)
{
	g_autofree char *longest = g_strnfill(64, 'a');
	g_autofree char *too_long = g_strnfill(65, 'a');
	g_autofree char *relaxed_longest = g_strnfill(128, '9');
	g_autofree char *relaxed_too_long = g_strnfill(129, '9');
	assert_true(name_is_strict("_Orders_2024"));
	assert_true(name_is_strict(longest));
	assert_false(name_is_strict(too_long));
	assert_false(name_is_strict("2024_orders"));
	assert_false(name_is_strict("orders\n"));
	assert_false(name_is_strict("or ders"));
	assert_false(name_is_strict("objedn\303\241vky"));
	assert_false(name_is_strict(""));
	assert_false(name_is_strict(NULL));
	assert_true(name_is_relaxed("0in.c-main..x"));
	assert_true(name_is_relaxed(relaxed_longest));
	assert_false(name_is_relaxed(relaxed_too_long));
	assert_false(name_is_relaxed("-x"));
	assert_false(name_is_relaxed("..x"));
	assert_false(name_is_relaxed("a/b"));
	assert_true(name_is_env("KBC_TOKEN"));
	assert_false(name_is_env("kbc"));
	assert_false(name_is_env("_KBC"));
	assert_false(name_is_env("KBC\n"));
	assert_true(name_is_project("my-project-1"));
	assert_false(name_is_project("short"));
	assert_false(name_is_project("ends-with-"));
	assert_false(name_is_project("1-starts-so"));
}

static void a_file_hashes_the_same_followed_or_not(void **state)
{
	g_autofree char *folder = g_dir_make_tmp("agnes-hash-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "f", NULL);
	g_autofree char *block = g_malloc0(3 << 20);
	g_autoptr(hash_follower) follower = hash_follower_new(path);
	GString *whole = g_string_new(NULL);
	FILE *file = fopen(path, "we");
	for (int i = 0; i < 3; i++) {
		memset(block, 'a' + i, 3 << 20);
		assert_int_equal(fwrite(block, 1, 3 << 20, file), 3 << 20);
		assert_int_equal(fflush(file), 0);
		g_string_append_len(whole, block, 3 << 20);
		g_usleep(30 * 1000);
	}
	assert_int_equal(fclose(file), 0);
	g_autofree char *expected = g_compute_checksum_for_data(
		G_CHECKSUM_MD5, (const guchar *)whole->str, whole->len);
	g_autofree char *followed = hash_follower_finish(follower, NULL);
	g_autofree char *direct = hash_file(path, NULL);
	assert_string_equal(followed, expected);
	assert_string_equal(direct, expected);
	g_autoptr(GError) error = NULL;
	assert_null(hash_file(folder, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
	g_string_free(whole, TRUE);
	assert_true(files_remove_tree(folder, NULL));
	assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

static void run(struct duck_fixture *fixture, const char *sql)
{
	g_autoptr(GError) error = NULL;
	if (!duck_exec(fixture->connection, &error, sql, NULL))
		fail_msg("%s: %s", sql, error->message);
}

static char *value_of(struct duck_fixture *fixture, const char *sql)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = g_strdup_printf("SELECT x::VARCHAR FROM (%s) t(x)", sql);
	g_autoptr(duck_rows) rows = duck_query(fixture->connection, &error, text, NULL);
	if (!rows || !duck_rows_next(rows))
		fail_msg("%s: %s", sql, error ? error->message : "no row");
	return g_strdup(duck_rows_text(rows, 0));
}

static void assert_value(struct duck_fixture *fixture, const char *sql, const char *expected)
{
	g_autofree char *value = value_of(fixture, sql);
	if (g_strcmp0(value, expected) != 0)
		fail_msg("%s: '%s' is not '%s'", sql, value, expected);
}

static void attach(struct duck_fixture *fixture)
{
	g_autofree char *path = g_build_filename(fixture->folder, "extracts/shop/extract.duckdb",
						 NULL);
	g_autofree char *sql = duck_sql("ATTACH %L AS e (READ_ONLY)", path);
	run(fixture, sql);
}

static struct extract_writer *begin(struct duck_fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct extract_writer *writer = extract_writer_begin(fixture->folder, "shop", &error);
	if (!writer)
		fail_msg("%s", error->message);
	return writer;
}

static void write_parquet(struct duck_fixture *fixture, const char *select, const char *path)
{
	g_autofree char *sql = duck_sql("COPY (%S) TO %L (FORMAT parquet)", select, path);
	run(fixture, sql);
}

static void add(struct extract_writer *writer, const char *table)
{
	g_autoptr(GError) error = NULL;
	if (!extract_writer_add_local(writer,
				      &(struct extract_local){
					      .name = table,
					      .description = "it's described",
					      .rows = -1,
					      .extracted_at = RUN_MICROSECONDS,
				      },
				      &error))
		fail_msg("%s", error->message);
}

static void add_file(struct duck_fixture *fixture, struct extract_writer *writer, const char *table,
		     const char *select)
{
	g_autofree char *path = extract_writer_stage_file(writer, table, NULL);
	write_parquet(fixture, select, path);
	add(writer, table);
}

static void add_part(struct duck_fixture *fixture, const char *folder, const char *part,
		     const char *select)
{
	g_autofree char *path = g_build_filename(folder, part, NULL);
	write_parquet(fixture, select, path);
}

static void commit(struct extract_writer *writer)
{
	g_autoptr(GError) error = NULL;
	if (!extract_writer_commit(writer, &error))
		fail_msg("%s", error->message);
	extract_writer_free(writer);
}

static bool exists(struct duck_fixture *fixture, const char *name)
{
	g_autofree char *path = g_build_filename(fixture->folder, "extracts/shop", name, NULL);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void the_description_has_the_columns_of_the_contract(void **state)
{
	struct duck_fixture *fixture = *state;
	struct extract_writer *writer = begin(fixture);
	add_file(fixture, writer, "order", "SELECT i, 'x' AS t FROM range(7) r(i)");
	assert_true(extract_writer_add_remote(
		writer, &(struct extract_remote){.name = "far", .select = "SELECT 1 AS one"},
		NULL));
	assert_true(extract_writer_add_attach(writer, "kbc", "keboola", "https://example.com",
					      "KBC_TOKEN", NULL));
	commit(writer);
	attach(fixture);
	assert_value(
		fixture,
		"SELECT string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', ' "
		"ORDER BY column_index) FROM duckdb_columns() WHERE table_name = '_meta'",
		"table_name VARCHAR false, description VARCHAR true, rows BIGINT true, "
		"size_bytes BIGINT true, extracted_at TIMESTAMP true, query_mode VARCHAR true");
	assert_value(fixture,
		     "SELECT table_name || description || rows || extracted_at || query_mode "
		     "FROM e._meta WHERE query_mode = 'local'",
		     "orderit's described72023-11-14 22:13:20local");
	assert_value(fixture,
		     "SELECT rows || size_bytes || query_mode FROM e._meta WHERE "
		     "table_name = 'far'",
		     "00remote");
	assert_value(fixture, "SELECT concat_ws(' ', *COLUMNS(*)) FROM e._remote_attach",
		     "kbc keboola https://example.com KBC_TOKEN");
	assert_value(fixture, "SELECT sum(i) FROM e.\"order\"", "21");
	assert_value(fixture, "SELECT one FROM e.far", "1");
	assert_false(exists(fixture, "extract.duckdb.wal"));
	assert_false(exists(fixture, "extract.duckdb.tmp"));
	assert_false(exists(fixture, ".stage"));
}

static void checksums_are_of_the_published_files(void **state)
{
	struct duck_fixture *fixture = *state;
	struct extract_writer *writer = begin(fixture);
	add_file(fixture, writer, "orders", "SELECT 1 AS i");
	commit(writer);
	g_autofree char *path = g_build_filename(fixture->folder,
						 "extracts/shop/data/orders.parquet", NULL);
	g_autofree char *md5 = hash_file(path, NULL);
	GStatBuf status;
	assert_int_equal(g_stat(path, &status), 0);
	attach(fixture);
	assert_value(fixture, "SELECT md5 FROM e._checksums", md5);
	g_autofree char *size = g_strdup_printf("%d %d", (int)status.st_size, (int)status.st_ino);
	assert_value(fixture, "SELECT size_bytes || ' ' || inode FROM e._checksums", size);
	assert_value(fixture,
		     "SELECT size_bytes = (SELECT size_bytes FROM e._checksums) FROM "
		     "e._meta",
		     "true");
}

static void untouched_tables_stay_and_dropped_ones_go(void **state)
{
	struct duck_fixture *fixture = *state;
	struct extract_writer *writer = begin(fixture);
	add_file(fixture, writer, "a", "SELECT 1 AS i");
	add_file(fixture, writer, "b", "SELECT 2 AS i");
	add_file(fixture, writer, "c", "SELECT 3 AS i");
	commit(writer);
	writer = begin(fixture);
	assert_true(extract_writer_had(writer, "a"));
	assert_false(extract_writer_had(writer, "z"));
	extract_writer_drop(writer, "c");
	add_file(fixture, writer, "b", "SELECT 20 AS i FROM range(5)");
	commit(writer);
	attach(fixture);
	assert_value(fixture,
		     "SELECT string_agg(table_name || rows, ' ' ORDER BY table_name) FROM e._meta",
		     "a1 b5");
	assert_value(fixture, "SELECT i FROM e.a", "1");
	assert_value(fixture, "SELECT max(i) FROM e.b", "20");
	assert_false(exists(fixture, "data/c.parquet"));
}

static void what_was_not_committed_changes_nothing(void **state)
{
	struct duck_fixture *fixture = *state;
	struct extract_writer *writer = begin(fixture);
	add_file(fixture, writer, "a", "SELECT 1 AS i");
	commit(writer);
	writer = begin(fixture);
	add_file(fixture, writer, "a", "SELECT 2 AS i");
	add_file(fixture, writer, "new", "SELECT 2 AS i");
	extract_writer_free(writer);
	attach(fixture);
	assert_value(fixture, "SELECT i FROM e.a", "1");
	assert_value(fixture, "SELECT count(*) FROM e._meta", "1");
	assert_false(exists(fixture, ".stage"));
	assert_false(exists(fixture, "data/new.parquet"));
}

static void a_folder_is_one_table_and_swapped_whole(void **state)
{
	struct duck_fixture *fixture = *state;
	struct extract_writer *writer = begin(fixture);
	g_autofree char *first = extract_writer_stage_folder(writer, "t", true, NULL);
	add_part(fixture, first, "2024-01.parquet", "SELECT 1 AS i");
	add_part(fixture, first, "2024-02.parquet", "SELECT 2 AS i, 'new' AS late_column");
	add(writer, "t");
	commit(writer);
	writer = begin(fixture);
	g_autofree char *second = extract_writer_stage_folder(writer, "t", true, NULL);
	add_part(fixture, second, "2024-03.parquet", "SELECT 3 AS i");
	g_autofree char *gone = g_build_filename(second, "2024-01.parquet", NULL);
	assert_int_equal(g_remove(gone), 0);
	add(writer, "t");
	commit(writer);
	attach(fixture);
	assert_value(fixture, "SELECT string_agg(i, ' ' ORDER BY i) || max(late_column) FROM e.t",
		     "2 3new");
	assert_value(fixture, "SELECT rows FROM e._meta", "2");
	assert_value(fixture, "SELECT count(*) FROM e._checksums", "0");
}

static void a_table_may_change_between_file_and_folder(void **state)
{
	struct duck_fixture *fixture = *state;
	for (int round = 0; round < 2; round++) {
		struct extract_writer *writer = begin(fixture);
		add_file(fixture, writer, "t", "SELECT 1 AS i");
		commit(writer);
		assert_false(exists(fixture, "data/t"));
		writer = begin(fixture);
		g_autofree char *folder = extract_writer_stage_folder(writer, "t", true, NULL);
		add_part(fixture, folder, "a.parquet", "SELECT 2 AS i");
		add(writer, "t");
		commit(writer);
		assert_false(exists(fixture, "data/t.parquet"));
	}
	attach(fixture);
	assert_value(fixture, "SELECT i FROM e.t", "2");
}

static void a_file_newer_than_its_description_is_described_anew(void **state)
{
	struct duck_fixture *fixture = *state;
	struct extract_writer *writer = begin(fixture);
	add_file(fixture, writer, "a", "SELECT 1 AS i");
	commit(writer);
	/* What a crash between the renames leaves. */
	g_autofree char *path = g_build_filename(fixture->folder, "extracts/shop/data/a.parquet",
						 NULL);
	g_assert_true(g_remove(path) == 0);
	write_parquet(fixture, "SELECT 1 AS i FROM range(99)", path);
	writer = begin(fixture);
	add_file(fixture, writer, "b", "SELECT 1 AS i");
	commit(writer);
	g_autofree char *md5 = hash_file(path, NULL);
	attach(fixture);
	assert_value(fixture, "SELECT rows FROM e._meta WHERE table_name = 'a'", "99");
	assert_value(fixture, "SELECT md5 FROM e._checksums WHERE table_name = 'a'", md5);
}

static void a_source_has_one_writer_at_a_time(void **state)
{
	struct duck_fixture *fixture = *state;
	g_autoptr(GError) error = NULL;
	struct extract_writer *writer = begin(fixture);
	g_autofree char *staged = extract_writer_stage_file(writer, "a", NULL);
	write_parquet(fixture, "SELECT 1 AS i", staged);
	assert_null(extract_writer_begin(fixture->folder, "shop", &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY));
	assert_true(g_file_test(staged, G_FILE_TEST_EXISTS));
	extract_writer_free(writer);
	extract_writer_free(begin(fixture));
}

static void wrong_use_is_refused(void **state)
{
	struct duck_fixture *fixture = *state;
	g_autoptr(GError) error = NULL;
	assert_null(extract_writer_begin(fixture->folder, "../x", &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
	g_clear_error(&error);
	g_autoptr(extract_writer) writer = begin(fixture);
	assert_null(extract_writer_stage_file(writer, "a/b", &error));
	g_clear_error(&error);
	assert_false(
		extract_writer_add_local(writer, &(struct extract_local){.name = "a"}, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
	g_clear_error(&error);
	add_file(fixture, writer, "Orders", "SELECT 1 AS i");
	g_autofree char *path = extract_writer_stage_file(writer, "orders", NULL);
	write_parquet(fixture, "SELECT 1 AS i", path);
	assert_false(extract_writer_add_local(
		writer, &(struct extract_local){.name = "orders", .rows = 1}, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT));
	g_clear_error(&error);
	g_autofree char *empty = extract_writer_stage_folder(writer, "empty", true, NULL);
	assert_false(extract_writer_add_local(
		writer, &(struct extract_local){.name = "empty", .rows = 0}, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
	assert_false(extract_writer_add_attach(writer, "a b", "keboola", "", "", NULL));
	assert_false(extract_writer_add_attach(writer, "kbc", "keboola", "", "not env", NULL));
}

static void a_damaged_extract_is_written_anew(void **state)
{
	struct duck_fixture *fixture = *state;
	struct extract_writer *writer = begin(fixture);
	add_file(fixture, writer, "a", "SELECT 1 AS i");
	commit(writer);
	g_autofree char *path = g_build_filename(fixture->folder, "extracts/shop/extract.duckdb",
						 NULL);
	g_autofree char *junk = g_strnfill(20000, 'x');
	assert_true(g_file_set_contents(path, junk, -1, NULL));
	writer = begin(fixture);
	add_file(fixture, writer, "b", "SELECT 1 AS i");
	commit(writer);
	attach(fixture);
	assert_value(fixture, "SELECT string_agg(table_name, ' ') FROM e._meta", "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_follow_their_rule),
		cmocka_unit_test(a_file_hashes_the_same_followed_or_not),
		cmocka_unit_test_setup_teardown(the_description_has_the_columns_of_the_contract,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(checksums_are_of_the_published_files,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(untouched_tables_stay_and_dropped_ones_go,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_committed_changes_nothing,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_folder_is_one_table_and_swapped_whole,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_table_may_change_between_file_and_folder,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_file_newer_than_its_description_is_described_anew,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_source_has_one_writer_at_a_time,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(wrong_use_is_refused, duck_fixture_set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_damaged_extract_is_written_anew,
						duck_fixture_set_up, duck_fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
