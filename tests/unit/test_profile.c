/* Profiles of parquet files that are made here, each to bring out one rule. */
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "duck/database.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "engine/profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct profile_limits defaults = {
	.sample_size = 500000,
	.max_categorical_distinct = 50,
	.top_values = 10,
	.histogram_bins = 15,
	.sample_rows = 5,
	.sample_values = 5,
	.high_cardinality = 50,
	.high_missing_pct = 30,
	.missing_pct = 5,
	.imbalance_pct = 60,
};

static char *folder, *path;

static int set_up(void **state)
{
	folder = g_dir_make_tmp("profile-XXXXXX", NULL);
	path = g_build_filename(folder, "t.parquet", NULL);
	return folder ? 0 : -1;
}

static int tear_down(void **state)
{
	bool removed = files_remove_tree(folder, NULL);
	g_free(folder);
	g_free(path);
	return removed ? 0 : -1;
}

static void write_parquet(const char *select)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(duck_database) database = duck_database_open(NULL, NULL, &error);
	g_autoptr(duck_connection) connection = duck_connect(database, &error);
	g_autofree char *sql = duck_sql("COPY (%S) TO %L", select, path);
	if (!duck_exec(connection, &error, sql, NULL))
		fail_msg("%s", error->message);
}

static json_t *profile_with(const struct profile_request *request)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = profile_compute(request, &error);
	if (!text) {
		fail_msg("%s", error->message);
		return NULL;
	}
	json_t *profile = json_parse(text, strlen(text), "profile", &error);
	if (!profile)
		fail_msg("%s", error->message);
	return profile;
}

static json_t *profile_of(const char *select, const char *key)
{
	struct profile_request request = {
		.path = path, .table = "t", .primary_key = key, .limits = &defaults};
	write_parquet(select);
	return profile_with(&request);
}

static const json_t *column_of(const json_t *profile, const char *name)
{
	size_t i;
	json_t *column;
	json_array_foreach(json_object_get(profile, "columns"), i, column)
	{
		if (strcmp(json_string_value(json_object_get(column, "name")), name) == 0)
			return column;
	}
	fail_msg("no column %s", name);
	return NULL;
}

/* The member of the column's statistics as JSON text. */
static void assert_stat(const json_t *profile, const char *name, const char *stats,
			const char *member, const char *expected)
{
	const json_t *value = json_object_get(json_object_get(column_of(profile, name), stats),
					      member);
	g_autofree char *text = value ? json_to_text(value) : g_strdup("absent");
	if (strcmp(text, expected) != 0)
		fail_msg("%s.%s of %s is %s, not %s", stats, member, name, text, expected);
}

/* Several of them: rows of column, member and text. */
static void assert_numbers(const json_t *profile, const char *const (*expected)[3])
{
	for (; (*expected)[0]; expected++)
		assert_stat(profile, (*expected)[0], "numeric_stats", (*expected)[1],
			    (*expected)[2]);
}

static void assert_member(const json_t *object, const char *member, const char *expected)
{
	const json_t *value = json_object_get(object, member);
	g_autofree char *text = value ? json_to_text(value) : g_strdup("absent");
	if (strcmp(text, expected) != 0)
		fail_msg("%s is %s, not %s", member, text, expected);
}

static void numbers_are_described(void **state)
{
	g_autoptr(json_t) p = profile_of("SELECT i, CAST(i AS DECIMAL(9,3)) / 8 AS d, i - 11 AS n "
					 "FROM range(1, 101) r(i)",
					 NULL);
	static const char *const numbers[][3] = {
		{"i", "min", "1"},
		{"i", "max", "100"},
		{"i", "mean", "50.5"},
		{"i", "median", "50.5"},
		{"i", "p25", "25.75"},
		{"i", "p75", "75.25"},
		{NULL},
	};
	assert_numbers(p, numbers);
	const json_t *stats = json_object_get(column_of(p, "i"), "numeric_stats");
	assert_true(fabs(json_real_value(json_object_get(stats, "stddev")) - 29.01) < 1e-9);
	assert_true(fabs(json_real_value(json_object_get(stats, "p5")) - 5.95) < 1e-9);
	assert_true(fabs(json_real_value(json_object_get(stats, "p95")) - 95.05) < 1e-9);
	static const char *const signs[][3] = {
		{"d", "max", "12.5"},	 {"n", "zeros", "1"},		{"n", "zeros_pct", "1.0"},
		{"n", "negative", "10"}, {"n", "negative_pct", "10.0"}, {NULL},
	};
	assert_numbers(p, signs);
	assert_member(p, "variable_types", "{\"NUMERIC\":3}");
	assert_member(p, "row_count", "100");
	assert_member(p, "sampled", "false");
}

static void a_histogram_has_bins_of_one_width(void **state)
{
	g_autoptr(json_t) p = profile_of("SELECT i, i * 1e6 AS m, 7 AS same, "
					 "CASE WHEN i < 15 THEN 0.5 ELSE i END AS f "
					 "FROM range(16) r(i)",
					 NULL);
	assert_stat(p, "i", "numeric_stats", "histogram",
		    "{\"bins\":[\"0-1\",\"1-2\",\"2-3\",\"3-4\",\"4-5\",\"5-6\",\"6-7\",\"7-8\","
		    "\"8-9\",\"9-10\",\"10-11\",\"11-12\",\"12-13\",\"13-14\",\"14-15\"],"
		    "\"counts\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]}");
	const json_t *bins = json_object_get(
		json_object_get(json_object_get(column_of(p, "m"), "numeric_stats"), "histogram"),
		"bins");
	assert_string_equal(json_string_value(json_array_get(bins, 1)), "1.0M-2.0M");
	assert_stat(p, "same", "numeric_stats", "histogram", "{\"bins\":[],\"counts\":[]}");
	const json_t *counts = json_object_get(
		json_object_get(json_object_get(column_of(p, "f"), "numeric_stats"), "histogram"),
		"counts");
	g_autofree char *text = json_to_text(counts);
	assert_string_equal(text, "[15,0,0,0,0,0,0,0,0,0,0,0,0,0,1]");
}

static void what_is_no_number_is_null(void **state)
{
	g_autoptr(json_t) p = profile_of(
		"SELECT CASE i WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' WHEN 2 THEN '-inf' ELSE "
		"CAST(i AS VARCHAR) END::DOUBLE AS bad, CASE WHEN i % 2 THEN 1e308 ELSE -1e308 END "
		"AS huge, 18446744073709551615::UBIGINT AS big, i AS good FROM range(100) r(i)",
		NULL);
	static const char *const numbers[][3] = {
		{"bad", "min", "null"},	   {"bad", "max", "null"},
		{"bad", "mean", "null"},   {"bad", "stddev", "null"},
		{"bad", "median", "51.5"}, {"huge", "mean", "null"},
		{"huge", "max", "1e308"},  {"big", "max", "1.8446744073709552e19"},
		{"good", "mean", "49.5"},  {NULL},
	};
	assert_numbers(p, numbers);
}

/* Values that repeat are measured by another statement, which must come to the same. */
static void numbers_that_repeat_are_described_alike(void **state)
{
	g_autoptr(json_t) p = profile_of(
		"SELECT i % 100 + 1 AS i, 7 AS same, CASE i % 5 WHEN 0 THEN 'nan' WHEN 1 THEN "
		"'-inf' ELSE '2.5' END::DOUBLE AS bad, CASE WHEN i % 2 = 0 THEN 1e308 ELSE -1e308 "
		"END AS huge, i % 4 - 1 AS few, 0.1::FLOAT AS f FROM range(1000) r(i)",
		NULL);
	g_autoptr(json_t) once = profile_of("SELECT i FROM range(1, 101) r(i)", NULL);
	const char *const members[] = {"min", "max", "mean", "median", "p25", "p75"};
	const json_t *plain = json_object_get(column_of(once, "i"), "numeric_stats");
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		const char *name = members[i];
		const json_t *repeated = json_object_get(column_of(p, "i"), "numeric_stats");
		double difference = json_number_value(json_object_get(plain, name)) -
				    json_number_value(json_object_get(repeated, name));
		assert_true(fabs(difference) <= 0.5); /* between two neighbours */
	}
	assert_stat(p, "i", "numeric_stats", "p5", "5.9500000000000002");
	assert_stat(p, "i", "numeric_stats", "stddev", "28.879999999999999");
	assert_stat(p, "i", "numeric_stats", "histogram",
		    "{\"bins\":[\"1-7.60\",\"7.60-14.20\",\"14.20-20.80\",\"20.80-27.40\","
		    "\"27.40-34\",\"34-40.60\",\"40.60-47.20\",\"47.20-53.80\",\"53.80-60.40\","
		    "\"60.40-67\",\"67-73.60\",\"73.60-80.20\",\"80.20-86.80\",\"86.80-93.40\","
		    "\"93.40-100\"],\"counts\":[70,70,60,70,60,70,70,60,70,60,70,70,60,70,70]}");
	static const char *const numbers[][3] = {
		{"same", "stddev", "0.0"},
		{"same", "median", "7.0"},
		{"bad", "min", "null"},
		{"bad", "max", "null"},
		{"bad", "mean", "null"},
		{"bad", "median", "2.5"},
		{"bad", "negative", "200"},
		{"huge", "stddev", "null"},
		{"huge", "p5", "-1e308"},
		{"few", "zeros", "250"},
		{"few", "negative_pct", "25.0"},
		{"f", "mean", "0.10000000000000001"},
		{NULL},
	};
	assert_numbers(p, numbers);
}

static void text_dates_and_truth_are_described(void **state)
{
	g_autoptr(json_t) p = profile_of(
		"SELECT CASE WHEN i < 6 THEN 'a' WHEN i < 9 THEN 'bé' END AS s, "
		"DATE '2024-01-31' + (i * 30)::INT AS d, TIMESTAMPTZ '2024-01-01 23:30:00+00' AS z, "
		"CASE WHEN i < 4 THEN i = 0 END AS b, 'x' || chr(0) || 'y' AS nul "
		"FROM range(10) r(i)",
		NULL);
	assert_stat(p, "s", "string_stats", "top_values",
		    "[{\"value\":\"a\",\"count\":6,\"pct\":66.670000000000002},"
		    "{\"value\":\"b\xc3\xa9\",\"count\":3,\"pct\":33.329999999999998}]");
	assert_stat(p, "s", "string_stats", "max_length", "2");
	assert_stat(p, "s", "string_stats", "avg_length", "1.3300000000000001");
	assert_stat(p, "d", "date_stats", "earliest", "\"2024-01-31\"");
	assert_stat(p, "d", "date_stats", "span_days", "270");
	assert_stat(p, "d", "date_stats", "histogram",
		    "{\"bins\":[\"2024-Q1\",\"2024-Q2\",\"2024-Q3\",\"2024-Q4\"],"
		    "\"counts\":[3,3,3,1]}");
	assert_stat(p, "z", "date_stats", "latest", "\"2024-01-01\"");
	assert_stat(p, "b", "boolean_stats", "true_count", "1");
	assert_stat(p, "b", "boolean_stats", "false_count", "3");
	assert_stat(p, "b", "boolean_stats", "true_pct", "25.0");
	assert_member(p, "date_range",
		      "{\"earliest\":\"2024-01-31\",\"latest\":\"2024-10-27\",\"span_days\":270}");
	assert_member(column_of(p, "nul"), "sample_values", "[\"x\xef\xbf\xbdy\"]");
	assert_member(p, "missing_cells", "7");
	assert_member(p, "missing_cells_pct", "14.0");
}

static void no_type_spoils_another(void **state)
{
	g_autoptr(json_t) p = profile_of(
		"SELECT 'text' AS s, 1.5 AS n, '\\x00\\xFF'::BLOB AS bl, uuid() AS u, TIME '12:00' "
		"AS ti, INTERVAL 3 DAY AS iv, {'a': i} AS st, [i] AS li, MAP{'k': i} AS ma, "
		"[TIMESTAMP '2024-01-01'] AS lt, [1.5::DECIMAL(4,1)] AS ld, {'t': 1.5} AS sd, "
		"'infinity'::DATE AS never FROM range(3) r(i)",
		NULL);
	const char *const odd[] = {"bl", "u", "ti", "iv", "st", "li", "ma", "lt", "ld", "sd"};
	for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
		assert_member(column_of(p, odd[i]), "type_category", "\"STRING\"");
		assert_non_null(json_object_get(column_of(p, odd[i]), "string_stats"));
	}
	assert_stat(p, "s", "string_stats", "max_length", "4");
	assert_stat(p, "n", "numeric_stats", "mean", "1.5");
	assert_stat(p, "bl", "string_stats", "max_length", "2");
	assert_stat(p, "never", "date_stats", "latest", "null");
	assert_member(p, "date_range", "null");
}

static void alerts_come_in_their_order(void **state)
{
	g_autoptr(json_t) p = profile_of(
		"SELECT i AS id, 1 AS one, CASE WHEN i < 40 THEN i END AS half, "
		"CASE WHEN i < 94 THEN 0 ELSE NULL END AS gap, CASE WHEN i < 70 THEN 'a' ELSE 'b' "
		"END AS lopsided, 'v' || i AS many FROM range(100) r(i)",
		NULL);
	assert_member(column_of(p, "id"), "alerts", "[\"unique\"]");
	assert_member(column_of(p, "one"), "alerts", "[\"constant\"]");
	assert_member(column_of(p, "half"), "alerts", "[\"high_missing\"]");
	assert_member(column_of(p, "gap"), "alerts", "[\"missing\",\"zeros\"]");
	assert_member(column_of(p, "lopsided"), "alerts", "[\"imbalance\"]");
	assert_member(column_of(p, "many"), "alerts", "[\"unique\",\"high_cardinality\"]");
	const char *const messages[] = {
		"id has all unique values",	 "one is constant (single value)",
		"half has 60.0% missing values", "gap has 6.0% missing values",
		"gap has 100.0% zero values",	 "lopsided is highly imbalanced (top value 70.0%)",
		"many has all unique values",	 "many has high cardinality (100 distinct)",
	};
	const json_t *alerts = json_object_get(p, "alerts");
	assert_int_equal(json_array_size(alerts), G_N_ELEMENTS(messages));
	for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(alerts, i), "message")),
			messages[i]);
}

static void duplicates_are_counted_by_the_key(void **state)
{
	const char *select = "SELECT i % 8 AS a, i % 4 AS \"B b\" FROM range(10) r(i)";
	g_autoptr(json_t) one = profile_of(select, "A");
	assert_member(one, "duplicate_rows", "2");
	assert_member(column_of(one, "a"), "is_primary_key", "true");
	assert_member(column_of(one, "B b"), "is_primary_key", "false");
	assert_member(one, "primary_key", "\"A\"");
	g_autoptr(json_t) two = profile_of(select, "a, B b");
	assert_member(two, "duplicate_rows", "2");
	g_autoptr(json_t) other = profile_of(select, "B b");
	assert_member(other, "duplicate_rows", "6");
	g_autoptr(json_t) unknown = profile_of(select, "a,gone");
	assert_member(unknown, "duplicate_rows", "0");
	g_autoptr(json_t) none = profile_of(select, "");
	assert_member(none, "duplicate_rows", "0");
}

static void an_empty_table_is_all_zero(void **state)
{
	g_autoptr(json_t) p = profile_of("SELECT 1 AS i, 'a' AS s, true AS b, DATE '2024-01-01' AS "
					 "d, [1] AS l WHERE false",
					 "i");
	assert_member(p, "row_count", "0");
	assert_member(p, "column_count", "5");
	assert_member(p, "avg_completeness", "0.0");
	assert_member(p, "missing_cells_pct", "0.0");
	assert_member(p, "alerts", "[]");
	assert_member(p, "sample_rows", "[]");
	assert_stat(p, "s", "string_stats", "avg_length", "0.0");
	assert_stat(p, "i", "numeric_stats", "zeros", "0");
	assert_stat(p, "b", "boolean_stats", "true_pct", "0.0");
	assert_stat(p, "d", "date_stats", "histogram", "{\"bins\":[],\"counts\":[]}");
}

static void a_large_table_is_sampled(void **state)
{
	struct profile_limits limits = defaults;
	struct profile_request request = {
		.path = path, .table = "t", .primary_key = "i,j", .limits = &limits};
	limits.sample_size = 1000;
	write_parquet("SELECT i, i AS j, i % 2 = 0 AS even FROM range(50000) r(i)");
	g_autoptr(json_t) p = profile_with(&request);
	assert_member(p, "sampled", "true");
	assert_member(p, "row_count", "50000");
	assert_member(column_of(p, "i"), "unique_count", "1000");
	assert_member(p, "duplicate_rows", "0");
	/* A quarter off is some sixteen standard deviations. */
	const json_t *stats = json_object_get(column_of(p, "i"), "numeric_stats");
	double mean = json_real_value(json_object_get(stats, "mean"));
	assert_true(mean > 25000 * 0.75 && mean < 25000 * 1.25);
	json_int_t even = json_integer_value(json_object_get(
		json_object_get(column_of(p, "even"), "boolean_stats"), "true_count"));
	assert_in_range(even, 350, 650);
	g_autoptr(json_t) again = profile_with(&request);
	assert_true(json_equal(json_object_get(column_of(again, "i"), "numeric_stats"), stats));
	request.exact = true;
	g_autoptr(json_t) whole = profile_with(&request);
	assert_member(whole, "sampled", "false");
	assert_stat(whole, "i", "numeric_stats", "mean", "24999.5");
	assert_member(column_of(whole, "j"), "unique_count", "50000");
}

/* DuckDB gives the number of a row that name: the sample must not be taken by the column. */
static void a_column_may_be_named_like_the_row_number(void **state)
{
	struct profile_limits limits = defaults;
	struct profile_request request = {.path = path, .table = "t", .limits = &limits};
	limits.sample_size = 1000;
	write_parquet("SELECT -1 AS file_row_number, i FROM range(50000) r(i)");
	g_autoptr(json_t) p = profile_with(&request);
	assert_member(column_of(p, "file_row_number"), "unique_count", "1");
	assert_member(column_of(p, "i"), "unique_count", "1000");
}

static void a_wide_table_has_all_its_columns(void **state)
{
	enum { COLUMNS = 1000 };
	struct profile_limits limits = defaults;
	struct profile_request request = {.path = path, .table = "t", .limits = &limits};
	g_autoptr(GString) select = g_string_new("SELECT i AS c0");
	for (int i = 1; i < COLUMNS; i++)
		duck_sql_append(select, i % 2 ? ", i + %d AS c%d" : ", 'v' || (i %% %d) AS c%d", i,
				i);
	g_string_append(select, " FROM range(200) r(i)");
	write_parquet(select->str);
	limits.sample_size = 100;
	g_autoptr(json_t) p = profile_with(&request);
	assert_int_equal(json_array_size(json_object_get(p, "columns")), COLUMNS);
	assert_member(p, "variable_types", "{\"NUMERIC\":501,\"STRING\":499}");
	for (int i = 2; i < 100; i += 2) {
		g_autofree char *name = g_strdup_printf("c%d", i);
		const json_t *uniques = json_object_get(column_of(p, name), "unique_count");
		assert_in_range(json_integer_value(uniques), 1, i);
	}
	/* Every column shows the same rows. */
	const json_t *first = json_object_get(column_of(p, "c1"), "numeric_stats");
	const json_t *last = json_object_get(column_of(p, "c999"), "numeric_stats");
	assert_int_equal(json_integer_value(json_object_get(last, "min")) -
				 json_integer_value(json_object_get(first, "min")),
			 998);
}

static void long_values_are_cut(void **state)
{
	g_autoptr(json_t) p = profile_of("SELECT repeat('\xc3\xa9', 5000) AS s, 'it''s' AS "
					 "\"a \"\"b\"\" 'c'\"",
					 NULL);
	const char *shown = json_string_value(
		json_array_get(json_object_get(column_of(p, "s"), "sample_values"), 0));
	assert_int_equal(g_utf8_strlen(shown, -1), 1000);
	assert_stat(p, "s", "string_stats", "max_length", "5000");
	const json_t *row = json_array_get(json_object_get(p, "sample_rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "a \"b\" 'c'")), "it's");
}

static void a_broken_file_is_an_error(void **state)
{
	struct profile_request request = {.path = path, .table = "orders", .limits = &defaults};
	g_autofree char *data = NULL;
	gsize size;
	write_parquet("SELECT i, random() AS r FROM range(50000) r(i)");
	assert_true(g_file_get_contents(path, &data, &size, NULL));
	const gsize sizes[] = {0, 3, size / 2, size - 1};
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GError) error = NULL;
		assert_true(g_file_set_contents(path, data, (gssize)sizes[i], NULL));
		assert_null(profile_compute(&request, &error));
		assert_non_null(strstr(error->message, "orders"));
	}
	memset(data + size / 4, 0x5a, size / 2);
	g_autoptr(GError) damaged = NULL;
	assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
	assert_null(profile_compute(&request, &damaged));
	g_autoptr(GError) absent = NULL;
	request.path = "/nonexistent/t.parquet";
	assert_null(profile_compute(&request, &absent));
	assert_true(g_error_matches(absent, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
	g_autoptr(GError) pattern = NULL;
	request.path = folder;
	assert_null(profile_compute(&request, &pattern));
}

static void limits_come_from_the_configuration(void **state)
{
	g_autoptr(configuration) config = config_inspect(folder);
	struct profile_limits limits;
	profile_limits_load(&limits, config);
	assert_memory_equal(&limits, &defaults, sizeof(limits));
}

int main(void)
{
#define PROFILE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PROFILE_TEST(numbers_are_described),
		PROFILE_TEST(a_histogram_has_bins_of_one_width),
		PROFILE_TEST(what_is_no_number_is_null),
		PROFILE_TEST(numbers_that_repeat_are_described_alike),
		PROFILE_TEST(text_dates_and_truth_are_described),
		PROFILE_TEST(no_type_spoils_another),
		PROFILE_TEST(alerts_come_in_their_order),
		PROFILE_TEST(duplicates_are_counted_by_the_key),
		PROFILE_TEST(an_empty_table_is_all_zero),
		PROFILE_TEST(a_large_table_is_sampled),
		PROFILE_TEST(a_column_may_be_named_like_the_row_number),
		PROFILE_TEST(a_wide_table_has_all_its_columns),
		PROFILE_TEST(long_values_are_cut),
		PROFILE_TEST(a_broken_file_is_an_error),
		PROFILE_TEST(limits_come_from_the_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
