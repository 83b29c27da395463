/*
 * src/extract: what views mean, which remote databases are allowed, and publishing from readers of
 * which some are under an attacker's control. The program is its own reader: publishing starts
 * /proc/self/exe, and the name of the source says how that one behaves.
 */
#include "base/child.h"
#include "base/error.h"
#include "base/files.h"
#include "base/lines.h"
#include "duck/database.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/publish.h"
#include "extract/reader.h"
#include "extract/remote.h"
#include "extract/view_shape.h"
#include "extract/writer.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void views_over_parquet_are_recognised(void **state)
{
	static const struct {
		const char *sql;
		const char *paths; /* joined by spaces */
		bool union_by_name;
	} views[] = {
		{"CREATE VIEW orders AS SELECT * FROM read_parquet('/d/data/orders.parquet');",
		 "/d/data/orders.parquet", false},
		{"CREATE VIEW \"order\" AS SELECT * FROM parquet_scan('/it''s');", "/it's", false},
		{"CREATE VIEW t AS SELECT * FROM read_parquet('/d/*.parquet', (union_by_name = "
		 "CAST('t' AS BOOLEAN)), (hive_partitioning = CAST('f' AS BOOLEAN)));",
		 "/d/*.parquet", true},
		{"CREATE VIEW \"a\"\"b\" AS SELECT * FROM read_parquet(main.list_value('/a', "
		 "'/b'));",
		 "/a /b", false},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		g_auto(parquet_view) view = {0};
		if (!parquet_view_parse(views[i].sql, &view))
			fail_msg("%s", views[i].sql);
		g_ptr_array_add(view.paths, NULL);
		g_autofree char *paths = g_strjoinv(" ", (char **)view.paths->pdata);
		assert_string_equal(paths, views[i].paths);
		assert_int_equal(view.union_by_name, views[i].union_by_name);
	}
}

static void views_with_more_to_them_are_not_recognised(void **state)
{
	static const char *const views[] = {
		"",
		"CREATE VIEW t AS SELECT * FROM read_parquet('/a') WHERE (a = 1);",
		"CREATE VIEW t AS SELECT * FROM read_parquet('/a') LIMIT 1;",
		"CREATE VIEW t AS SELECT a FROM read_parquet('/a');",
		"CREATE VIEW t AS SELECT DISTINCT * FROM read_parquet('/a');",
		"CREATE VIEW t (x) AS SELECT * FROM read_parquet('/a');",
		"CREATE VIEW t AS SELECT * FROM read_parquet('/a', (filename = CAST('t' AS "
		"BOOLEAN)));",
		"CREATE VIEW t AS SELECT * FROM read_parquet('/a', (hive_partitioning = CAST('t' "
		"AS BOOLEAN)));",
		"CREATE VIEW t AS SELECT * FROM read_parquet('/month=1/a');",
		"CREATE VIEW t AS SELECT * FROM read_parquet('/a",
		"CREATE VIEW t AS SELECT * FROM read_parquet('/a'); SELECT 1;",
		"CREATE VIEW t AS SELECT * FROM read_csv('/a');",
		"CREATE VIEW \"t AS SELECT * FROM read_parquet('/a');",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(views); i++) {
		g_auto(parquet_view) view = {0};
		if (parquet_view_parse(views[i], &view))
			fail_msg("%s", views[i]);
	}
}

/* What DuckDB itself makes of the views that producers write. */
static void the_text_is_that_of_this_duckdb(void **state)
{
	g_autoptr(duck_database) database = duck_database_open(NULL, NULL, NULL);
	g_autoptr(duck_connection) connection = duck_connect(database, NULL);
	g_autofree char *folder = g_dir_make_tmp("agnes-view-XXXXXX", NULL);
	g_autofree char *sql = duck_sql(
		"COPY (SELECT 1 AS i) TO '%S/a.parquet' (FORMAT parquet);"
		"CREATE VIEW plain AS SELECT * FROM read_parquet('%S/a.parquet');"
		"CREATE VIEW \"select\" AS SELECT * FROM read_parquet('%S/*.parquet', "
		"union_by_name=true, hive_partitioning=false);"
		"CREATE VIEW list AS SELECT * FROM read_parquet(['%S/a.parquet']);"
		"ATTACH ':memory:' AS kbc; CREATE SCHEMA kbc.\"in.c-main\";"
		"CREATE TABLE kbc.\"in.c-main\".t AS SELECT 1 AS i;"
		"CREATE VIEW far AS SELECT * FROM kbc.\"in.c-main\".\"t\"",
		folder, folder, folder, folder);
	assert_true(duck_exec(connection, NULL, sql, NULL));
	g_autoptr(duck_rows) rows = duck_query(
		connection, NULL, "SELECT sql, view_name FROM duckdb_views() WHERE NOT internal",
		NULL);
	int seen = 0;
	while (duck_rows_next(rows)) {
		const char *text = duck_rows_text(rows, 0);
		g_auto(parquet_view) parquet = {0};
		g_auto(remote_view) remote = {0};
		if (strcmp(duck_rows_text(rows, 1), "far") == 0) {
			assert_true(remote_view_parse(text, &remote));
			assert_string_equal(remote.schema, "in.c-main");
		} else if (!parquet_view_parse(text, &parquet)) {
			fail_msg("%s", text);
		}
		seen++;
	}
	assert_int_equal(seen, 4);
	files_remove_tree(folder, NULL);
}

static void remote_views_are_one_table_of_another_catalog(void **state)
{
	static const char *const others[] = {
		"CREATE VIEW t AS SELECT * FROM a.b;",
		"CREATE VIEW t AS SELECT * FROM a.b.c.d;",
		"CREATE VIEW t AS SELECT * FROM a.b.c WHERE true;",
		"CREATE VIEW t AS SELECT * FROM read_text('/etc/passwd');",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		g_auto(remote_view) view = {0};
		assert_false(remote_view_parse(others[i], &view));
	}
}

static struct published_attach attach_of(const char *const *parts)
{
	return (struct published_attach){
		.alias = (char *)parts[0],
		.extension = (char *)parts[1],
		.url = (char *)parts[2],
		.token_env = (char *)parts[3],
	};
}

static void only_listed_remote_databases_are_attached(void **state)
{
	static const struct {
		const char *extensions, *tokens; /* as in the environment */
		const char *attach[4];
		int code; /* 0: allowed */
	} cases[] = {
		{NULL, NULL, {"kbc", "keboola", "u", "KBC_TOKEN"}, 0},
		{"", " , ", {"kbc", "keboola", "u", "KBC_TOKEN"}, 0},
		{NULL, NULL, {"bq", "bigquery", "project=x", ""}, 0},
		{NULL, NULL, {"x", "postgres", "u", ""}, AGNES_ERROR_DENIED},
		{NULL, NULL, {"x", "httpfs", "u", ""}, AGNES_ERROR_DENIED},
		{"postgres", NULL, {"x", "postgres", "u", ""}, 0},
		{"postgres", NULL, {"kbc", "keboola", "u", ""}, AGNES_ERROR_DENIED},
		{NULL, NULL, {"kbc", "keboola", "u", "JWT_SECRET_KEY"}, AGNES_ERROR_DENIED},
		{NULL, "MY_TOKEN", {"kbc", "keboola", "u", "MY_TOKEN"}, 0},
		{NULL, "MY_TOKEN", {"kbc", "keboola", "u", "KBC_TOKEN"}, AGNES_ERROR_DENIED},
		{NULL, "lower", {"kbc", "keboola", "u", "lower"}, AGNES_ERROR_INVALID},
		{NULL, NULL, {"a b", "keboola", "u", ""}, AGNES_ERROR_INVALID},
		{"a b", NULL, {"kbc", "a b", "u", ""}, AGNES_ERROR_INVALID},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(remote_policy) policy = {0};
		g_autoptr(GError) error = NULL;
		remote_policy_init(&policy, cases[i].extensions, cases[i].tokens);
		const struct published_attach attach = attach_of(cases[i].attach);
		bool allowed = remote_policy_check(&policy, &attach, &error);
		if (allowed != (cases[i].code == 0) || (error && error->code != cases[i].code))
			fail_msg("case %zu", i);
	}
}

static void an_attach_quotes_and_is_read_only(void **state)
{
	const struct published_attach attach = attach_of(
		(const char *[]){"kbc", "keboola", "it's", ""});
	g_autofree char *with = remote_attach_sql(&attach, "se'cret");
	g_autofree char *without = remote_attach_sql(&attach, "");
	assert_string_equal(with, "ATTACH 'it''s' AS \"kbc\" (TYPE \"keboola\", TOKEN "
				  "'se''cret', READ_ONLY)");
	assert_string_equal(without, "ATTACH 'it''s' AS \"kbc\" (TYPE \"keboola\", READ_ONLY)");
}

/* Lines of `text`, joined by "|", and how it ended. */
static char *lines_of(const char *text, size_t longest, size_t total, int *code)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	const struct lines_limits limits = {.longest = longest, .total = total};
	g_autoptr(lines) lines = lines_new(ends[0], &limits, "the test");
	g_autoptr(GString) all = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	size_t size;
	for (const char *line; (line = lines_next(lines, &size, &error));)
		g_string_append_printf(all, "%s|", line);
	close(ends[0]);
	*code = error ? error->code : -1;
	return g_string_free(g_steal_pointer(&all), FALSE);
}

static void assert_lines(const char *text, size_t longest, size_t total, const char *expected,
			 int code)
{
	int actual;
	g_autofree char *lines = lines_of(text, longest, total, &actual);
	assert_string_equal(lines, expected);
	assert_int_equal(actual, code);
}

static void lines_have_limits(void **state)
{
	assert_lines("a\nbb\n\n", 10, 100, "a|bb||", -1);
	assert_lines("", 10, 100, "", -1);
	assert_lines("a\nbb", 10, 100, "a|", AGNES_ERROR_INVALID);
	assert_lines("12345\n123456\n", 5, 100, "12345|", AGNES_ERROR_TOO_LARGE);
	assert_lines("123456", 5, 100, "", AGNES_ERROR_TOO_LARGE);
	assert_lines("a\nb\nc\n", 10, 5, "", AGNES_ERROR_TOO_LARGE);
}

static void lines_have_a_deadline(void **state)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	const struct lines_limits limits = {
		.longest = 10, .total = 100, .deadline = g_get_monotonic_time() + 20000};
	g_autoptr(lines) lines = lines_new(ends[0], &limits, "the test");
	g_autoptr(GError) error = NULL;
	size_t size;
	assert_null(lines_next(lines, &size, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_TIMEOUT));
	close(ends[0]);
	close(ends[1]);
}

struct fixture {
	char *data;
	struct published_source *previous;
};

static void make_extract(struct fixture *fixture, const char *source)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(duck_database) database = duck_database_open(NULL, NULL, NULL);
	g_autoptr(duck_connection) connection = duck_connect(database, NULL);
	g_autoptr(extract_writer) writer = extract_writer_begin(fixture->data, source, &error);
	g_autofree char *path = extract_writer_stage_file(writer, "orders", NULL);
	g_autofree char *sql = duck_sql("COPY (SELECT 1 AS i) TO %L (FORMAT parquet)", path);
	assert_true(duck_exec(connection, NULL, sql, NULL));
	assert_true(extract_writer_add_local(
		writer, &(struct extract_local){.name = "orders", .rows = 1}, NULL));
	assert_true(extract_writer_commit(writer, NULL));
}

static struct published_source *publish(struct fixture *fixture, const char *source)
{
	struct publish_limits limits = publish_default_limits;
	limits.seconds = strcmp(source, "silent") == 0 ? 1 : 60;
	const struct publish_request request = {
		.data_dir = fixture->data,
		.source = source,
		.previous = fixture->previous,
		.limits = &limits,
	};
	return publish_source(&request);
}

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	g_autofree char *made = g_dir_make_tmp("agnes-publish-XXXXXX", NULL);
	fixture->data = files_resolve(made, NULL);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	published_source_free(fixture->previous);
	files_remove_tree(fixture->data, NULL);
	g_free(fixture->data);
	g_free(fixture);
	return 0;
}

static const struct published_table *only_table(const struct published_source *source)
{
	assert_int_equal(source->tables->len, 1);
	return g_ptr_array_index(source->tables, 0);
}

static void our_own_extracts_are_linked(void **state)
{
	struct fixture *fixture = *state;
	struct stat extracted, published;
	make_extract(fixture, "shop");
	fixture->previous = published_source_new("shop");
	g_autoptr(published_source) source = publish(fixture, "shop");
	assert_int_equal(source->failures->len, 0);
	const struct published_table *table = only_table(source);
	g_autofree char *file = g_build_filename(fixture->data, "extracts/shop/data/orders.parquet",
						 NULL);
	assert_int_equal(stat(file, &extracted), 0);
	assert_int_equal(stat(table->file, &published), 0);
	assert_int_equal(extracted.st_ino, published.st_ino);
	assert_int_equal(table->rows, 1);
	assert_int_equal(table->columns, 1);
	/* A new version is another file; the link keeps the old content. */
	make_extract(fixture, "shop");
	assert_int_equal(stat(file, &extracted), 0);
	assert_int_not_equal(extracted.st_ino, published.st_ino);
}

static void an_index_reads_as_it_was_written(void **state)
{
	struct fixture *fixture = *state;
	make_extract(fixture, "shop");
	fixture->previous = published_source_new("shop");
	g_autoptr(published_source) source = publish(fixture, "shop");
	g_autofree char *folder = publish_folder(fixture->data, "shop");
	g_autoptr(published_source) loaded = publication_load(folder, "shop");
	const struct published_table *before = only_table(source);
	const struct published_table *after = only_table(loaded);
	assert_string_equal(loaded->fingerprint, source->fingerprint);
	assert_string_equal(after->file, before->file);
	assert_string_equal(after->md5, before->md5);
	assert_string_equal(after->key, before->key);
	assert_int_equal(after->rows, before->rows);
	assert_int_equal(after->extracted_at, before->extracted_at);
	assert_int_equal(g_remove(before->file), 0);
	g_autoptr(published_source) damaged = publication_load(folder, "shop");
	assert_int_equal(damaged->tables->len, 0);
	assert_string_equal(damaged->fingerprint, "");
}

static void superseded_files_go_when_their_time_has_come(void **state)
{
	struct fixture *fixture = *state;
	make_extract(fixture, "shop");
	fixture->previous = published_source_new("shop");
	g_autoptr(published_source) source = publish(fixture, "shop");
	g_autofree char *folder = publish_folder(fixture->data, "shop");
	g_autofree char *old = g_build_filename(folder, "orders-0123.parquet", NULL);
	assert_true(g_file_set_contents(old, "old", -1, NULL));
	publish_sweep(fixture->data, source, 3600);
	assert_true(g_file_test(old, G_FILE_TEST_EXISTS));
	publish_sweep(fixture->data, source, 0);
	assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
	assert_true(g_file_test(only_table(source)->file, G_FILE_TEST_EXISTS));
	g_autoptr(published_source) loaded = publication_load(folder, "shop");
	assert_int_equal(loaded->tables->len, 1);
}

/* Readers that were taken over, by the name of the source: what they say. */
static const struct {
	const char *source;
	const char *says;
	const char *expected; /* in the message */
} hostile_readers[] = {
	{"silent", "", "did not finish in time"},
	{"dead", "", "was killed by signal 9"},
	{"noise", "this is no JSON\n", "its reader:1:"},
	{"list", "[1]\n", "something else than an object"},
	{"nothing", "{}\n", "must not"},
	{"endless", NULL, "longer than"},
	{"bad_name", "{\"table\":\"../x\",\"error\":\"x\"}\n", "the name of a table"},
	{"twice", "{\"table\":\"a\",\"error\":\"x\"}\n{\"table\":\"A\",\"error\":\"x\"}\n",
	 "the name of a table"},
	{"same_as_none",
	 "{\"table\":\"new\",\"description\":\"\",\"extracted_at\":0,\"same\":true}\n",
	 "the same as none"},
	{"wrong_type", "{\"table\":\"a\",\"description\":1,\"extracted_at\":\"x\",\"same\":true}\n",
	 "without description"},
	{"bad_md5",
	 "{\"table\":\"a\",\"description\":\"\",\"extracted_at\":0,\"key\":\"k\",\"md5\":\"/../x\","
	 "\"rows\":1,\"columns\":1,\"work\":\"a.parquet\"}\n",
	 "a local table"},
	{"negative_rows",
	 "{\"table\":\"a\",\"description\":\"\",\"extracted_at\":0,\"key\":\"k\","
	 "\"md5\":\"00000000000000000000000000000000\",\"rows\":-1,\"columns\":1,"
	 "\"work\":\"a.parquet\"}\n",
	 "a local table"},
	{"other_work",
	 "{\"table\":\"a\",\"description\":\"\",\"extracted_at\":0,\"key\":\"k\","
	 "\"md5\":\"00000000000000000000000000000000\",\"rows\":1,\"columns\":1,"
	 "\"work\":\"../index.json\"}\n",
	 "a work file"},
	{"link_out",
	 "{\"table\":\"a\",\"description\":\"\",\"extracted_at\":0,\"key\":\"k\","
	 "\"md5\":\"00000000000000000000000000000000\",\"rows\":1,\"columns\":1,"
	 "\"link\":\"../victim/data/orders.parquet\",\"inode\":1,\"size\":1,\"mtime_ns\":1}\n",
	 "a link"},
	{"link_absolute",
	 "{\"table\":\"a\",\"description\":\"\",\"extracted_at\":0,\"key\":\"k\","
	 "\"md5\":\"00000000000000000000000000000000\",\"rows\":1,\"columns\":1,"
	 "\"link\":\"/etc/passwd\",\"inode\":1,\"size\":1,\"mtime_ns\":1}\n",
	 "a link"},
	{"bad_remote",
	 "{\"table\":\"a\",\"description\":\"\",\"extracted_at\":0,"
	 "\"remote\":[\"kbc\",\"x\\\"y\",\"t\"]}\n",
	 "a remote table"},
	{"bad_attach", "{\"attach\":[\"kbc\"]}\n", "a remote database"},
	{"after_done", "{\"done\":true}\n{\"note\":\"more\"}\n", "more after the end"},
};

static void a_hostile_reader_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	make_extract(fixture, "shop");
	g_autoptr(published_source) none = published_source_new("shop");
	fixture->previous = published_source_ref(none);
	g_autoptr(published_source) good = publish(fixture, "shop");
	const struct published_table *before = only_table(good);
	for (size_t i = 0; i < G_N_ELEMENTS(hostile_readers); i++) {
		const char *name = hostile_readers[i].source;
		make_extract(fixture, name);
		published_source_free(fixture->previous);
		fixture->previous = published_source_ref(good);
		g_autoptr(published_source) source = publish(fixture, name);
		if (source->failures->len != 1)
			fail_msg("%s: %u failures", name, source->failures->len);
		const struct published_failure *failure = g_ptr_array_index(source->failures, 0);
		if (failure->name || !strstr(failure->message, hostile_readers[i].expected))
			fail_msg("%s: %s", name, failure->message);
		assert_string_equal(only_table(source)->file, before->file);
		g_autofree char *folder = publish_folder(fixture->data, name);
		g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
		for (const char *file; listing && (file = g_dir_read_name(listing));)
			assert_false(g_str_has_suffix(file, ".parquet"));
	}
}

/* A link whose inode is not what the reader says, or that is a symlink by now, costs its table. */
static void a_link_to_another_file_is_not_made(void **state)
{
	struct fixture *fixture = *state;
	make_extract(fixture, "wrong_inode");
	fixture->previous = published_source_new("wrong_inode");
	g_autoptr(published_source) source = publish(fixture, "wrong_inode");
	assert_int_equal(source->tables->len, 0);
	assert_int_equal(source->failures->len, 1);
	const struct published_failure *failure = g_ptr_array_index(source->failures, 0);
	assert_string_equal(failure->name, "a");
	/* It may have been replaced meanwhile, so the next rebuild looks again. */
	assert_string_equal(source->fingerprint, "");
}

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		_exit(EXIT_FAILURE);
}

static void play_hostile(const char *source)
{
	for (size_t i = 0; i < G_N_ELEMENTS(hostile_readers); i++) {
		if (strcmp(hostile_readers[i].source, source) != 0)
			continue;
		while (!hostile_readers[i].says)
			say("{\"note\": \"no end of this line ");
		say(hostile_readers[i].says);
		if (strcmp(source, "silent") == 0)
			pause();
		if (strcmp(source, "dead") == 0)
			raise(SIGKILL);
		_exit(EXIT_SUCCESS);
	}
	if (strcmp(source, "wrong_inode") == 0)
		say("{\"table\":\"a\",\"description\":\"\",\"extracted_at\":0,\"key\":\"k\","
		    "\"md5\":\"00000000000000000000000000000000\",\"rows\":1,\"columns\":1,"
		    "\"link\":\"data/orders.parquet\",\"inode\":1,\"size\":1,\"mtime_ns\":1}\n"
		    "{\"done\":true}\n");
	_exit(EXIT_SUCCESS);
}

/* The other side: `<this program> rebuild-source`. */
static void be_reader(void)
{
	/* The real one takes the request from standard input itself, so only a look at it. */
	char text[4096];
	ssize_t size = recv(STDIN_FILENO, text, sizeof text - 1, MSG_PEEK);
	text[MAX(size, 0)] = '\0';
	if (strstr(text, "\"source\":\"shop\""))
		reader_run();
	g_autoptr(json_t) request = child_read_request(NULL);
	play_hostile(json_string_value(json_object_get(request, "source")));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_over_parquet_are_recognised),
		cmocka_unit_test(views_with_more_to_them_are_not_recognised),
		cmocka_unit_test(the_text_is_that_of_this_duckdb),
		cmocka_unit_test(remote_views_are_one_table_of_another_catalog),
		cmocka_unit_test(only_listed_remote_databases_are_attached),
		cmocka_unit_test(an_attach_quotes_and_is_read_only),
		cmocka_unit_test(lines_have_limits),
		cmocka_unit_test(lines_have_a_deadline),
		cmocka_unit_test_setup_teardown(our_own_extracts_are_linked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_index_reads_as_it_was_written, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(superseded_files_go_when_their_time_has_come,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_hostile_reader_changes_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_link_to_another_file_is_not_made, set_up,
						tear_down),
	};
	if (argc > 1 && strcmp(argv[1], "rebuild-source") == 0)
		be_reader();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
