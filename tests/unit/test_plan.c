/* src/app/sync/plan: which tables a run takes up, by schedule, source and mode, and as the clock
 * jumps. */
#include "app/sync/plan.h"

#include "engine/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MINUTE ((int64_t)60 * G_USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
/* 2026-10-20 00:00 UTC; on the 25th clocks in Europe go back an hour. */
#define START ((int64_t)1792454400 * G_USEC_PER_SEC)

/* A registered table, and when it was last synced. */
struct row {
	const char *name, *source, *mode, *schedule;
	int64_t last;
};

struct fixture {
	struct directory directory;
	struct directory_table tables[16];
	const struct directory_table *pointers[16];
	struct registered_table registered[16];
	struct sync_state synced[16];
	char *ids[16];
};

static void fixture_clear(struct fixture *fixture)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fixture->ids); i++)
		g_free(fixture->ids[i]);
}
DEFINE_AUTO(fixture)

static void fill(struct fixture *fixture, const struct row *rows, size_t count)
{
	assert_true(count <= G_N_ELEMENTS(fixture->tables));
	for (size_t i = 0; i < count; i++) {
		fixture->ids[i] = g_strconcat("id_", rows[i].name, NULL);
		fixture->registered[i] = (struct registered_table){
			.id = fixture->ids[i],
			.name = rows[i].name,
			.source_type = rows[i].source,
			.query_mode = rows[i].mode,
			.sync_schedule = rows[i].schedule,
		};
		fixture->synced[i] = (struct sync_state){.last_sync = rows[i].last};
		fixture->tables[i] = (struct directory_table){
			.id = fixture->ids[i],
			.name = rows[i].name,
			.registered = &fixture->registered[i],
			.synced = rows[i].last ? &fixture->synced[i] : NULL,
		};
		fixture->pointers[i] = &fixture->tables[i];
	}
	fixture->directory.tables = fixture->pointers;
	fixture->directory.table_count = count;
}

static GHashTable *set_of(const char *names)
{
	if (!names)
		return NULL;
	GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) parts = g_strsplit(names, " ", -1);
	for (char **at = parts; *at; at++)
		g_hash_table_add(set, g_strdup(*at));
	return set;
}

/* What is asked for, and the connectors that there are. */
struct question {
	bool all;
	const char *ids, *owed;
	const struct plan_connector *connectors;
	size_t connector_count;
	int64_t now;
};

static void append_tables(GString *text, const GPtrArray *tables)
{
	for (guint i = 0; i < tables->len; i++) {
		const struct directory_table *table = g_ptr_array_index(tables, i);
		g_string_append_printf(text, " %s", table->name);
	}
}

/* "local: a b; shop!: c / query": a ! where there is no connector, a * where it is run whole. */
static char *plan(const struct fixture *fixture, const struct question *question)
{
	static const struct plan_connector local = {.name = "local"};
	const struct plan_connector *connectors = question->connectors ? question->connectors
								       : &local;
	guint count = question->connectors ? (guint)question->connector_count : 1;
	g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(struct plan_connector));
	g_array_append_vals(list, connectors, count);
	g_autoptr(GHashTable) ids = set_of(question->ids);
	g_autoptr(GHashTable) owed = set_of(question->owed);
	const struct plan_request request = {
		.directory = &fixture->directory,
		.connectors = list,
		.default_source = "local",
		.all = question->all,
		.ids = ids,
		.owed = owed,
		.now = question->now ? question->now : START,
	};
	g_autoptr(GPtrArray) sources = plan_make(&request);
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < sources->len; i++) {
		const struct plan_source *source = g_ptr_array_index(sources, i);
		g_string_append_printf(text, "%s%s%s%s:", i ? "; " : "", source->name,
				       source->known ? "" : "!", source->whole ? "*" : "");
		append_tables(text, source->extracted);
		if (source->materialized->len > 0)
			g_string_append(text, " /");
		append_tables(text, source->materialized);
	}
	return g_string_free(text, FALSE);
}

static void assert_plan(const struct row *rows, size_t count, struct question question,
			const char *expected)
{
	g_auto(fixture) fixture = {0};
	fill(&fixture, rows, count);
	g_autofree char *found = plan(&fixture, &question);
	assert_string_equal(found, expected);
}

#define ASSERT_PLAN(rows, expected, ...) \
	assert_plan(rows, G_N_ELEMENTS(rows), (struct question){__VA_ARGS__}, expected)

static void schedules_decide_what_is_due(void **state)
{
	const struct row rows[] = {
		{"always", "local", "local", NULL, START - MINUTE},
		{"empty", "local", "local", "", START - MINUTE},
		{"hourly_due", "local", "local", "every 1h", START - HOUR},
		{"hourly_not", "local", "local", "every 1h", START - HOUR + 1},
		{"invalid", "local", "local", "hourly", START - MINUTE},
		{"never", "local", "local", "daily 12:00", 0},
		{"no_mode", NULL, NULL, NULL, START - MINUTE},
	};
	ASSERT_PLAN(rows, "local: always empty hourly_due invalid never no_mode", .all = true);
}

static void what_is_listed_is_taken_whatever_its_schedule(void **state)
{
	const struct row rows[] = {
		{"a", "local", "local", "every 24h", START - MINUTE},
		{"b", "local", "local", "every 24h", START - MINUTE},
		{"query", "local", "materialized", "every 24h", START - MINUTE},
		{"far", "local", "remote", NULL, 0},
	};
	ASSERT_PLAN(rows, "local: a", .ids = "id_a unknown");
	ASSERT_PLAN(rows, "local: far / query", .ids = "id_query id_far");
	ASSERT_PLAN(rows, "", .ids = "unknown");
	ASSERT_PLAN(rows, "", .all = true);
	ASSERT_PLAN(rows, "local: b", .all = true, .ids = "id_b");
}

static void queries_run_hourly_and_once_with_a_schedule_that_is_none(void **state)
{
	const struct plan_connector connectors[] = {{.name = "bigquery"}, {.name = "local"}};
	const struct row rows[] = {
		{"due", NULL, "materialized", NULL, START - HOUR},
		{"fresh", NULL, "materialized", NULL, START - HOUR + 1},
		{"odd", "local", "materialized", "hourly", START - 30 * DAY},
		{"odd_new", "local", "materialized", "hourly", 0},
	};
	ASSERT_PLAN(rows, "bigquery: / due; local: / odd_new", .all = true,
		    .connectors = connectors, .connector_count = 2);
}

static void tables_without_a_connector_fail_only_where_somebody_counts_on_them(void **state)
{
	const struct plan_connector shop = {.name = "shop"};
	const struct row rows[] = {
		{"default_source", NULL, "local", NULL, 0},
		{"pushed", "jira", "local", NULL, 0},
		{"query", "keboola", "materialized", NULL, 0},
		{"sold", "shop", "local", NULL, 0},
	};
	ASSERT_PLAN(rows, "keboola!: / query; local!: default_source; shop: sold", .all = true,
		    .connectors = &shop, .connector_count = 1);
	ASSERT_PLAN(rows, "jira!: pushed", .ids = "id_pushed", .connectors = &shop,
		    .connector_count = 1);
}

static void what_a_run_owes_is_due(void **state)
{
	const struct row rows[] = {
		{"a", "local", "local", "daily 12:00", START - MINUTE},
		{"query", "local", "materialized", NULL, START - MINUTE},
	};
	ASSERT_PLAN(rows, "local: a / query", .all = true, .owed = "a query gone");
	/* The first run that there is pays, whatever it was asked for. */
	ASSERT_PLAN(rows, "local: a / query", .ids = "unknown", .owed = "a query");
}

static void connectors_without_registered_tables_have_a_schedule_of_their_own(void **state)
{
	const struct plan_connector connectors[] = {
		{.name = "always", .whole = true, .last = START - MINUTE},
		{.name = "due", .whole = true, .schedule = "every 1h", .last = START - HOUR},
		{.name = "fresh", .whole = true, .schedule = "every 1h", .last = START - MINUTE},
		{.name = "named", .whole = false},
	};
	const struct row rows[] = {{"a", "named", "local", "every 1h", START - MINUTE}};
	ASSERT_PLAN(rows, "always*:; due*:", .all = true, .connectors = connectors,
		    .connector_count = G_N_ELEMENTS(connectors));
	ASSERT_PLAN(rows, "named: a", .ids = "id_a", .connectors = connectors,
		    .connector_count = G_N_ELEMENTS(connectors));
}

/* Ticks every quarter of an hour, each of which syncs what is due: how often the table was. */
static int count_runs(const char *schedule, int64_t from, int64_t to, int64_t *last)
{
	int runs = 0;
	for (int64_t now = from; now < to; now += 15 * MINUTE) {
		g_auto(fixture) fixture = {0};
		const struct row row = {"a", "local", "local", schedule, *last};
		fill(&fixture, &row, 1);
		const struct question question = {.all = true, .now = now};
		g_autofree char *found = plan(&fixture, &question);
		if (!*found)
			continue;
		runs++;
		*last = now;
	}
	return runs;
}

static void daily_means_once_in_each_day_of_utc_also_when_summer_ends(void **state)
{
	setenv("TZ", "Europe/Prague", 1);
	tzset();
	int64_t last = START - HOUR, last_of_three = START + 10 * DAY - HOUR;
	assert_int_equal(count_runs("daily 01:30", START, START + 10 * DAY, &last), 10);
	assert_int_equal(count_runs("daily 01:30,02:30,00:15", START + 10 * DAY, START + 20 * DAY,
				    &last_of_three),
			 30);
	unsetenv("TZ");
	tzset();
}

static void a_clock_that_is_set_back_repeats_nothing(void **state)
{
	int64_t last = START - HOUR, hourly = START;
	assert_int_equal(count_runs("daily 03:00", START, START + 3 * HOUR + MINUTE, &last), 1);
	/* Back to 02:01: three o'clock comes again, and was served. */
	assert_int_equal(count_runs("daily 03:00", START + 2 * HOUR + MINUTE, START + DAY, &last),
			 0);
	assert_int_equal(count_runs("daily 03:00", START + DAY, START + 2 * DAY, &last), 1);
	/* By the hour, it goes on when the clock has caught up. */
	assert_int_equal(count_runs("every 1h", START - HOUR, START + HOUR, &hourly), 0);
	assert_int_equal(count_runs("every 1h", START + HOUR, START + 2 * HOUR, &hourly), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_decide_what_is_due),
		cmocka_unit_test(what_is_listed_is_taken_whatever_its_schedule),
		cmocka_unit_test(queries_run_hourly_and_once_with_a_schedule_that_is_none),
		cmocka_unit_test(
			tables_without_a_connector_fail_only_where_somebody_counts_on_them),
		cmocka_unit_test(what_a_run_owes_is_due),
		cmocka_unit_test(connectors_without_registered_tables_have_a_schedule_of_their_own),
		cmocka_unit_test(daily_means_once_in_each_day_of_utc_also_when_summer_ends),
		cmocka_unit_test(a_clock_that_is_set_back_repeats_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
