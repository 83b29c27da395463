/* src/app/sync/report: what a run has come to, as its extractors tell and as others see it. */
#include "app/sync/report.h"
#include "state/sync_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct report *make_report(void)
{
	return report_new("run-1", "user-1", 1792454400 * G_GINT64_CONSTANT(1000000), NULL);
}

static void hear(struct report_source *source, const char *text)
{
	g_autoptr(json_t) event = json_parse(text, strlen(text), "event", NULL);
	assert_non_null(event);
	report_hear(source, event);
}

/* The tables of the first source: "a done 5; b failed". */
static char *tables_of(const json_t *drawn)
{
	size_t index;
	const json_t *table;
	GString *text = g_string_new(NULL);
	const json_t *source = json_array_get(json_object_get(drawn, "sources"), 0);
	json_array_foreach(json_object_get(source, "tables"), index, table)
	{
		const json_t *rows = json_object_get(table, "rows");
		g_string_append_printf(text, "%s%s %s", index ? "; " : "",
				       json_string_value(json_object_get(table, "table")),
				       json_string_value(json_object_get(table, "phase")));
		if (rows)
			g_string_append_printf(text, " %d", (int)json_integer_value(rows));
	}
	return g_string_free(text, FALSE);
}

static void assert_tables(struct report *report, size_t most, const char *expected)
{
	g_autoptr(json_t) drawn = report_to_json(report, most);
	g_autofree char *found = tables_of(drawn);
	assert_string_equal(found, expected);
}

static void an_extractor_moves_its_tables_through_their_phases(void **state)
{
	g_autoptr(report) report = make_report();
	struct report_source *source = report_add_source(report, "local", false);
	struct report_table *table = report_add_table(source, "a", false);
	report_add_table(source, "b", false);
	assert_tables(report, 10, "a waiting; b waiting");
	hear(source, "{\"event\":\"table\",\"table\":\"a\",\"state\":\"started\"}");
	hear(source, "{\"event\":\"progress\",\"table\":\"a\",\"percent\":150}");
	assert_int_equal(table->percent, 100);
	assert_tables(report, 10, "a extracting; b waiting");
	hear(source, "{\"event\":\"table\",\"table\":\"a\",\"state\":\"done\",\"rows\":5,"
		     "\"milliseconds\":40,\"rejected\":2}");
	assert_int_equal(table->milliseconds, 40);
	assert_int_equal(table->rejected, 2);
	assert_tables(report, 10, "a publishing 5; b waiting");
	hear(source, "{\"event\":\"table\",\"table\":\"b\",\"state\":\"failed\",\"error\":\"no\","
		     "\"transient\":true}");
	assert_true(report_table(source, "b")->transient);
	report_set_phase(source, table, REPORT_DONE);
	assert_tables(report, 10, "a done 5; b failed");
	/* Another attempt takes the failure back. */
	hear(source, "{\"event\":\"table\",\"table\":\"b\",\"state\":\"started\"}");
	assert_null(report_table(source, "b")->error);
}

static void nonsense_is_passed_over(void **state)
{
	g_autoptr(report) report = make_report();
	struct report_source *source = report_add_source(report, "local", false);
	report_add_table(source, "a", false);
	hear(source, "{\"event\":\"table\",\"table\":\"other\",\"state\":\"done\"}");
	hear(source, "{\"event\":\"table\",\"table\":7,\"state\":\"done\"}");
	hear(source, "{\"event\":\"table\",\"table\":\"a\"}");
	hear(source, "{\"event\":\"table\",\"table\":\"a\",\"state\":\"odd\"}");
	hear(source, "{\"event\":\"progress\",\"table\":\"a\",\"percent\":\"most\"}");
	hear(source, "{\"event\":5,\"table\":\"a\",\"state\":\"done\"}");
	assert_tables(report, 10, "a waiting");
	hear(source, "{\"event\":\"table\",\"table\":\"a\",\"state\":\"failed\"}");
	assert_non_null(report_table(source, "a")->error);
}

static void an_error_may_be_long_but_is_not_kept_whole(void **state)
{
	g_autoptr(report) report = make_report();
	struct report_source *source = report_add_source(report, "local", false);
	struct report_table *table = report_add_table(source, "a", false);
	g_autoptr(GString) message = g_string_new(NULL);
	for (int i = 0; i < 5000; i++)
		g_string_append(message, "\303\241");
	report_fail(source, table, message->str, false);
	assert_true(strlen(table->error) <= 2010);
	assert_true(g_utf8_validate(table->error, -1, NULL));
}

static void a_shortened_picture_shows_what_matters_and_counts_all(void **state)
{
	g_autoptr(report) report = make_report();
	struct report_source *source = report_add_source(report, "local", false);
	static const enum report_phase phases[] = {REPORT_UNCHANGED, REPORT_DONE, REPORT_UNCHANGED,
						   REPORT_FAILED, REPORT_DONE};
	for (size_t i = 0; i < G_N_ELEMENTS(phases); i++) {
		g_autofree char *name = g_strdup_printf("t%zu", i);
		struct report_table *table = report_add_table(source, name, false);
		if (phases[i] == REPORT_FAILED)
			report_fail(source, table, "no", false);
		else
			report_set_phase(source, table, phases[i]);
	}
	assert_tables(report, 2, "t3 failed; t1 done");
	assert_tables(report, 0, "");
	struct report_counts counts;
	report_count(report, &counts);
	assert_int_equal(counts.total, 5);
	assert_int_equal(counts.in[REPORT_DONE], 2);
	assert_int_equal(counts.in[REPORT_UNCHANGED], 2);
	assert_int_equal(counts.in[REPORT_FAILED], 1);
}

static void the_end_is_told_once_it_is_there(void **state)
{
	g_autoptr(report) report = make_report();
	struct report_source *source = report_add_source(report, "shop", true);
	g_autoptr(json_t) before = report_to_json(report, 10);
	assert_string_equal(json_string_value(json_object_get(before, "status")), SYNC_RUN_RUNNING);
	assert_true(json_is_null(json_object_get(before, "finished_at")));
	report_begin_attempt(source, 1);
	report_begin_attempt(source, 2);
	report_end_source(source, "gone");
	report_finish(report, SYNC_RUN_FAILED);
	g_autoptr(json_t) after = report_to_json(report, 10);
	const json_t *drawn = json_array_get(json_object_get(after, "sources"), 0);
	assert_string_equal(json_string_value(json_object_get(after, "status")), SYNC_RUN_FAILED);
	assert_string_equal(json_string_value(json_object_get(drawn, "phase")), "failed");
	assert_string_equal(json_string_value(json_object_get(drawn, "error")), "gone");
	assert_int_equal(json_integer_value(json_object_get(drawn, "attempts")), 2);
	assert_true(json_is_string(json_object_get(after, "finished_at")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_extractor_moves_its_tables_through_their_phases),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(an_error_may_be_long_but_is_not_kept_whole),
		cmocka_unit_test(a_shortened_picture_shows_what_matters_and_counts_all),
		cmocka_unit_test(the_end_is_told_once_it_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
