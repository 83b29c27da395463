/* src/engine: who owns a name, and directories of hard links that outlive editions. */
#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "duck/sql.h"
#include "duck_fixture.h"
#include "engine/edition.h"
#include "engine/generation.h"
#include "engine/ownership.h"
#include "state/view_ownership.h"

#include <glib/gstdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PUBLICATIONS = 1000 };

static struct published_source *make_source(const char *name, const char *const *tables)
{
	struct published_source *source = published_source_new(name);
	for (; *tables; tables++) {
		struct published_table *table = g_new0(struct published_table, 1);
		table->name = g_strdup(*tables);
		table->description = g_strdup("");
		g_ptr_array_add(source->tables, table);
	}
	return source;
}

static GPtrArray *source_list(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)published_source_free);
}

static void among_newcomers_the_first_by_name_wins(void **state)
{
	g_autoptr(GPtrArray) sources = source_list();
	g_autoptr(GPtrArray) stored = g_ptr_array_new();
	g_auto(ownership) ownership = {0};
	g_ptr_array_add(sources, make_source("alpha", (const char *[]){"Orders", "a", NULL}));
	g_ptr_array_add(sources, make_source("beta", (const char *[]){"orders", "b", NULL}));
	ownership_decide(&ownership, stored, sources);
	assert_true(ownership_has(&ownership, "alpha", "ORDERS"));
	assert_false(ownership_has(&ownership, "beta", "orders"));
	assert_true(ownership_has(&ownership, "beta", "b"));
	assert_int_equal(ownership.collisions->len, 1);
	assert_non_null(strstr(g_ptr_array_index(ownership.collisions, 0), "source 'beta'"));
	assert_false(ownership.released);
}

static void an_owner_stays_until_it_no_longer_publishes(void **state)
{
	g_autoptr(GPtrArray) sources = source_list();
	struct view_owner orders = {.view_name = "orders", .source_name = "beta"};
	struct view_owner gone = {.view_name = "gone", .source_name = "beta"};
	g_autoptr(GPtrArray) stored = g_ptr_array_new();
	g_ptr_array_add(stored, &orders);
	g_ptr_array_add(stored, &gone);
	g_auto(ownership) ownership = {0};
	g_ptr_array_add(sources, make_source("alpha", (const char *[]){"Orders", "Gone", NULL}));
	g_ptr_array_add(sources, make_source("beta", (const char *[]){"orders", NULL}));
	ownership_decide(&ownership, stored, sources);
	assert_true(ownership_has(&ownership, "beta", "orders"));
	assert_true(ownership_has(&ownership, "alpha", "gone"));
	assert_true(ownership.released);
	assert_int_equal(ownership.kept->len, 1);
	const GPtrArray *claimed = g_hash_table_lookup(ownership.claimed, "alpha");
	assert_int_equal(claimed->len, 1);
	assert_string_equal(g_ptr_array_index(claimed, 0), "Gone");
}

/* A table of one row that holds its version, in a file of its own. */
static struct published_table *make_table(struct duck_fixture *fixture, const char *name,
					  int version)
{
	struct published_table *table = g_new0(struct published_table, 1);
	g_autofree char *file = g_strdup_printf("%s-%d.parquet", name, version);
	table->name = g_strdup(name);
	table->description = g_strdup("");
	table->file = g_build_filename(fixture->folder, file, NULL);
	g_autofree char *sql = duck_sql("COPY (SELECT %d AS version FROM range(3000)) TO %L "
					"(FORMAT parquet)",
					version, table->file);
	assert_true(duck_exec(fixture->connection, NULL, sql, NULL));
	table->md5 = hash_file(table->file, NULL);
	return table;
}

static struct edition *make_edition(struct duck_fixture *fixture, int version,
				    const char *const *names)
{
	g_autoptr(GPtrArray) sources = source_list();
	struct published_source *source = published_source_new("shop");
	for (; *names; names++)
		g_ptr_array_add(source->tables, make_table(fixture, *names, version));
	g_ptr_array_add(sources, source);
	struct edition *edition = edition_new((uint64_t)version, sources);
	for (guint i = 0; i < source->tables->len; i++)
		edition_add(edition, source, g_ptr_array_index(source->tables, i));
	return edition;
}

static struct generations *make_store(struct duck_fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	struct generations *store = generations_new(fixture->folder, &error);
	if (!store)
		fail_msg("%s", error->message);
	return store;
}

static bool has_table(const struct generation *generation, const char *name)
{
	g_autofree char *file = g_strconcat(name, ".parquet", NULL);
	g_autofree char *path = g_build_filename(generation_folder(generation), file, NULL);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void a_generation_holds_its_tables_and_no_others(void **state)
{
	struct duck_fixture *fixture = *state;
	g_autoptr(generations) store = make_store(fixture);
	g_autoptr(edition)
		edition = make_edition(fixture, 1, (const char *[]){"a", "B", "c", NULL});
	g_autoptr(generation) some = generations_open(
		store, edition, (const char *[]){"b", "a", "a", "unknown", NULL}, NULL);
	g_autoptr(generation)
		same = generations_open(store, edition, (const char *[]){"A", "b", NULL}, NULL);
	g_autoptr(generation)
		other = generations_open(store, edition, (const char *[]){"c", NULL}, NULL);
	g_autoptr(generation) none = generations_open(store, edition, (const char *[]){NULL}, NULL);
	assert_true(has_table(some, "a"));
	assert_true(has_table(some, "B"));
	assert_false(has_table(some, "c"));
	assert_ptr_equal(some, same);
	assert_ptr_not_equal(some, other);
	assert_true(has_table(other, "c"));
	assert_false(has_table(none, "a"));
	g_autofree char *other_parent = g_path_get_dirname(generation_folder(other));
	assert_true(g_str_has_prefix(generation_folder(some), other_parent));
}

static void an_outdated_generation_goes_with_its_last_reader(void **state)
{
	struct duck_fixture *fixture = *state;
	const char *const names[] = {"a", NULL};
	g_autoptr(generations) store = make_store(fixture);
	g_autoptr(edition) first = make_edition(fixture, 1, names);
	struct generation *read = generations_open(store, first, names, NULL);
	g_autofree char *folder = g_strdup(generation_folder(read));
	generation_free(generation_ref(read));
	generations_retire(store, 2);
	assert_true(g_file_test(folder, G_FILE_TEST_EXISTS));
	generation_free(read);
	assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
	/* One of the present edition waits for its next reader, and goes when it gets old. */
	g_autoptr(edition) second = make_edition(fixture, 2, names);
	struct generation *kept = generations_open(store, second, names, NULL);
	g_autofree char *waiting = g_strdup(generation_folder(kept));
	generation_free(kept);
	assert_true(g_file_test(waiting, G_FILE_TEST_EXISTS));
	generations_retire(store, 3);
	assert_false(g_file_test(waiting, G_FILE_TEST_EXISTS));
}

static void an_edition_whose_files_are_gone_is_told(void **state)
{
	struct duck_fixture *fixture = *state;
	const char *const names[] = {"a", NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(generations) store = make_store(fixture);
	g_autoptr(edition) edition = make_edition(fixture, 1, names);
	assert_int_equal(g_remove(edition_find(edition, "a")->table->file), 0);
	assert_null(generations_open(store, edition, names, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT));
}

static void a_store_belongs_to_one_and_starts_empty(void **state)
{
	struct duck_fixture *fixture = *state;
	const char *const names[] = {"a", NULL};
	g_autoptr(GError) error = NULL;
	g_autofree char *left = g_build_filename(fixture->folder, "generations/7/left", NULL);
	assert_true(files_make_folder(left, NULL));
	struct generations *store = make_store(fixture);
	assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
	g_autoptr(edition) edition = make_edition(fixture, 1, names);
	generation_free(generations_open(store, edition, names, NULL));
	assert_null(generations_new(fixture->folder, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY));
	generations_free(store);
	generations_free(make_store(fixture));
}

/* What the publisher and the reader of the next test share. */
struct traffic {
	struct duck_fixture *fixture;
	struct generations *store;
	GMutex lock;
	struct edition *edition;
	gint done;
	int queries, problems;
};

static const char *const both[] = {"a", "b", NULL};

static struct edition *present(struct traffic *traffic)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&traffic->lock);
	return edition_ref(traffic->edition);
}

/* Both tables, each scanned twice, must be of the edition that the generation was opened for. */
static bool read_generation(struct duck_connection *connection, const struct generation *generation)
{
	const char *folder = generation_folder(generation);
	g_autofree char *a = g_build_filename(folder, "a.parquet", NULL);
	g_autofree char *b = g_build_filename(folder, "b.parquet", NULL);
	g_autofree char *sql = duck_sql(
		"SELECT min(x.version), max(y.version), max(z.version), count(*) "
		"FROM read_parquet(%L) x POSITIONAL JOIN read_parquet(%L) y "
		"POSITIONAL JOIN read_parquet(%L) z",
		a, b, a);
	g_autoptr(GError) error = NULL;
	g_autoptr(duck_rows) rows = duck_query(connection, &error, sql, NULL);
	if (!rows || !duck_rows_next(rows)) {
		print_error("%s\n", error ? error->message : "no row");
		return false;
	}
	int64_t version = (int64_t)generation_edition(generation)->number;
	return duck_rows_int(rows, 0) == version && duck_rows_int(rows, 1) == version &&
	       duck_rows_int(rows, 2) == version && duck_rows_int(rows, 3) == 3000;
}

static gpointer read_until_done(gpointer data)
{
	struct traffic *traffic = data;
	g_autoptr(duck_connection) connection = duck_connect(traffic->fixture->database, NULL);
	while (!g_atomic_int_get(&traffic->done)) {
		g_autoptr(edition) edition = present(traffic);
		g_autoptr(GError) error = NULL;
		g_autoptr(generation)
			generation = generations_open(traffic->store, edition, both, &error);
		/* Too slow for this edition: its files are gone two publications later. */
		if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT))
			continue;
		traffic->queries++;
		traffic->problems += !generation || !read_generation(connection, generation);
	}
	return NULL;
}

static void publish(struct traffic *traffic, int version)
{
	struct edition *edition = make_edition(traffic->fixture, version, both);
	g_mutex_lock(&traffic->lock);
	edition_free(traffic->edition);
	traffic->edition = edition;
	g_mutex_unlock(&traffic->lock);
	generations_retire(traffic->store, (uint64_t)version);
	for (const char *const *name = both; *name; name++) {
		g_autofree char *old = g_strdup_printf("%s/%s-%d.parquet", traffic->fixture->folder,
						       *name, version - 2);
		files_remove(old, NULL);
	}
}

static void queries_see_one_edition_while_a_thousand_are_published(void **state)
{
	struct duck_fixture *fixture = *state;
	g_autoptr(generations) store = make_store(fixture);
	struct traffic traffic = {.fixture = fixture, .store = store};
	g_mutex_init(&traffic.lock);
	traffic.edition = make_edition(fixture, 1, both);
	GThread *reader = g_thread_new("reader", read_until_done, &traffic);
	for (int version = 2; version <= PUBLICATIONS; version++)
		publish(&traffic, version);
	g_atomic_int_set(&traffic.done, 1);
	g_thread_join(reader);
	assert_int_equal(traffic.problems, 0);
	assert_true(traffic.queries > 10);
	generations_retire(store, PUBLICATIONS + 1);
	g_autofree char *folder = g_build_filename(fixture->folder, "generations", NULL);
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	assert_string_equal(g_dir_read_name(listing), ".lock");
	assert_null(g_dir_read_name(listing));
	edition_free(traffic.edition);
	g_mutex_clear(&traffic.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(among_newcomers_the_first_by_name_wins),
		cmocka_unit_test(an_owner_stays_until_it_no_longer_publishes),
		cmocka_unit_test_setup_teardown(a_generation_holds_its_tables_and_no_others,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_outdated_generation_goes_with_its_last_reader,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_edition_whose_files_are_gone_is_told,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_store_belongs_to_one_and_starts_empty,
						duck_fixture_set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(
			queries_see_one_edition_while_a_thousand_are_published, duck_fixture_set_up,
			duck_fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
