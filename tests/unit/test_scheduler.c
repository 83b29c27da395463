/* src/services/scheduler: what its variables mean, when a job is due, what it remembers. */
#include "base/error.h"
#include "base/files.h"
#include "services/scheduler/history.h"
#include "services/scheduler/jobs.h"
#include "services/scheduler/plan.h"
#include "services/scheduler/settings.h"

#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((int64_t)G_USEC_PER_SEC)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   (20000 * DAY + 12 * HOUR)

static const char *const variables[] = {
	"API_URL",
	"SCHEDULER_API_TOKEN",
	"SCHEDULER_TICK_SECONDS",
	"SCHEDULER_DATA_REFRESH_INTERVAL",
	"SCHEDULER_HEALTH_CHECK_INTERVAL",
	"SCHEDULER_SCRIPT_RUN_INTERVAL",
};

static int clear_environment(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_unsetenv(variables[i]);
	return 0;
}

static void seconds_become_a_schedule(void **state)
{
	const struct {
		int seconds;
		const char *text;
	} cases[] = {
		{1, "every 1m"},    {30, "every 1m"},	 {60, "every 1m"},   {61, "every 2m"},
		{90, "every 2m"},   {120, "every 2m"},	 {150, "every 3m"},  {900, "every 15m"},
		{3600, "every 1h"}, {3601, "every 61m"}, {7200, "every 2h"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = scheduler_schedule_text(cases[i].seconds);
		assert_string_equal(text, cases[i].text);
	}
}

static void what_is_not_set_has_a_default(void **state)
{
	static const char *const expected[] = {"every 15m", "every 5m", "every 1m", "daily 03:00"};
	g_autoptr(GError) error = NULL;
	g_autoptr(scheduler_settings) settings = scheduler_settings_new(&error);
	assert_null(error);
	assert_string_equal(settings->url, "http://localhost:8000");
	assert_null(settings->token);
	assert_int_equal(settings->tick, 30);
	assert_int_equal(scheduler_job_count, G_N_ELEMENTS(expected));
	for (size_t i = 0; i < scheduler_job_count; i++)
		assert_string_equal(settings->schedules[i], expected[i]);
}

static void what_is_set_counts(void **state)
{
	g_autoptr(GError) error = NULL;
	g_setenv("API_URL", "https://data.example.com/agnes/", TRUE);
	g_setenv("SCHEDULER_API_TOKEN", "  secret\n", TRUE);
	g_setenv("SCHEDULER_SCRIPT_RUN_INTERVAL", "20", TRUE);
	g_setenv("SCHEDULER_DATA_REFRESH_INTERVAL", "7200", TRUE);
	g_setenv("SCHEDULER_TICK_SECONDS", "20", TRUE);
	g_autoptr(scheduler_settings) settings = scheduler_settings_new(&error);
	assert_null(error);
	assert_string_equal(settings->url, "https://data.example.com/agnes");
	assert_string_equal(settings->token, "secret");
	assert_int_equal(settings->tick, 20);
	assert_string_equal(settings->schedules[0], "every 2h");
	assert_string_equal(settings->schedules[2], "every 1m");
}

/* The message names `hint`. */
static void assert_refused(const char *variable, const char *value, const char *hint)
{
	g_autoptr(GError) error = NULL;
	g_setenv(variable, value, TRUE);
	g_autoptr(scheduler_settings) settings = scheduler_settings_new(&error);
	assert_null(settings);
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
	assert_non_null(strstr(error->message, hint));
	g_unsetenv(variable);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const numbers[] = {"",    "0",   "-5",  "abc",
					      "1.5", "30s", " 30", "99999999999"};
	for (size_t i = 2; i < G_N_ELEMENTS(variables); i++) {
		for (size_t j = 0; j < G_N_ELEMENTS(numbers); j++)
			assert_refused(variables[i], numbers[j], variables[i]);
	}
	static const char *const urls[] = {
		"", "localhost:8000", "ftp://localhost", "http://", "/x", "http://localhost/?a=b"};
	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++)
		assert_refused("API_URL", urls[i], "API_URL");
	assert_refused("SCHEDULER_API_TOKEN", "abc\r\nX-Other: def", "SCHEDULER_API_TOKEN");
}

static void the_tick_is_at_most_the_shortest_interval(void **state)
{
	assert_refused("SCHEDULER_TICK_SECONDS", "61", "tick");
	assert_refused("SCHEDULER_SCRIPT_RUN_INTERVAL", "29", "tick");
	g_setenv("SCHEDULER_TICK_SECONDS", "60", TRUE);
	g_autoptr(scheduler_settings) settings = scheduler_settings_new(NULL);
	assert_non_null(settings);
}

static struct plan plan_of(const char *text, int64_t last, int64_t now)
{
	struct schedule schedule;
	struct plan plan;
	assert_true(schedule_parse(text, &schedule, NULL));
	plan_init(&plan, &schedule, last, now, 0);
	return plan;
}

static void an_interval_that_never_ran_is_due_and_a_daily_job_is_not(void **state)
{
	struct plan interval = plan_of("every 15m", SCHEDULE_NEVER, NOON);
	struct plan daily = plan_of("daily 03:00", SCHEDULE_NEVER, NOON);
	assert_true(plan_is_due(&interval, NOON, 0));
	assert_false(plan_is_due(&daily, NOON, 0));
	assert_false(plan_is_due(&daily, NOON + 15 * HOUR - SECOND, 0));
	assert_true(plan_is_due(&daily, NOON + 15 * HOUR, 0));
}

static void what_ran_before_the_restart_counts(void **state)
{
	struct plan fresh = plan_of("every 15m", NOON - 14 * MINUTE, NOON);
	struct plan missed = plan_of("daily 03:00", NOON - DAY, NOON);
	struct plan done = plan_of("daily 03:00", NOON - 9 * HOUR, NOON);
	assert_false(plan_is_due(&fresh, NOON, 0));
	assert_true(plan_is_due(&fresh, NOON + MINUTE, 0));
	assert_true(plan_is_due(&missed, NOON, 0));
	assert_false(plan_is_due(&done, NOON, 0));
}

static void nothing_is_due_before_its_first_time(void **state)
{
	struct plan plan = plan_of("every 1m", SCHEDULE_NEVER, NOON);
	plan.not_before = 100 * SECOND;
	assert_false(plan_is_due(&plan, NOON, 100 * SECOND - 1));
	assert_true(plan_is_due(&plan, NOON, 100 * SECOND));
}

static void a_clock_set_back_delays_an_interval_by_one_at_most(void **state)
{
	struct plan plan = plan_of("every 15m", NOON, NOON);
	int64_t back = NOON - HOUR;
	assert_false(plan_is_due(&plan, back, 0));
	assert_false(plan_is_due(&plan, back + 15 * MINUTE - SECOND, 0));
	assert_true(plan_is_due(&plan, back + 15 * MINUTE, 0));
	/* Also one that was years ahead when the job ran. */
	struct plan ahead = plan_of("every 15m", NOON + 9000 * DAY, NOON);
	assert_false(plan_is_due(&ahead, NOON, 0));
	assert_true(plan_is_due(&ahead, NOON + 15 * MINUTE, 0));
}

static void a_clock_set_forward_makes_one_run_due(void **state)
{
	struct plan plan = plan_of("every 15m", NOON, NOON);
	assert_true(plan_is_due(&plan, NOON + 30 * DAY, 0));
	plan_succeed(&plan, NOON + 30 * DAY);
	assert_false(plan_is_due(&plan, NOON + 30 * DAY, 0));
}

static void failures_are_tried_again_ever_later(void **state)
{
	struct plan plan = plan_of("every 1m", SCHEDULE_NEVER, NOON);
	static const int seconds[] = {5, 10, 20, 40, 60, 60, 60};
	gint64 passed = 1000 * SECOND;
	for (size_t i = 0; i < G_N_ELEMENTS(seconds); i++) {
		gint64 pause = plan_fail(&plan, passed, 5 * SECOND, 0);
		assert_int_equal(pause, seconds[i] * SECOND);
		assert_false(plan_is_due(&plan, NOON, passed + pause - 1));
		assert_true(plan_is_due(&plan, NOON, passed + pause));
		passed += pause;
	}
	for (int i = 0; i < 100; i++) /* no overflow either */
		assert_int_equal(plan_fail(&plan, passed, 5 * SECOND, 0), MINUTE);
	assert_int_equal(plan_fail(&plan, passed, 5 * SECOND, 1), 45 * SECOND);
	plan_succeed(&plan, NOON);
	assert_int_equal(plan_fail(&plan, passed, 5 * SECOND, 0), 5 * SECOND);
}

static void a_daily_job_that_fails_is_tried_each_hour(void **state)
{
	struct plan plan = plan_of("daily 03:00", NOON - DAY, NOON);
	for (int i = 0; i < 20; i++)
		plan_fail(&plan, 0, 5 * SECOND, 0);
	assert_int_equal(plan_fail(&plan, 0, 5 * SECOND, 0), HOUR);
}

static char *new_folder(void)
{
	char *folder = g_dir_make_tmp("agnes-test-XXXXXX", NULL);
	assert_non_null(folder);
	return folder;
}

static void last_runs_survive(void **state)
{
	g_autofree char *folder = new_folder();
	g_autofree char *path = g_build_filename(folder, "scheduler.json", NULL);
	g_autoptr(json_t) empty = history_read(path);
	assert_int_equal(history_get(empty, "data-refresh"), SCHEDULE_NEVER);
	history_set(empty, "data-refresh", NOON + 5);
	assert_true(history_write(empty, path, NULL));
	g_autoptr(json_t) again = history_read(path);
	assert_int_equal(history_get(again, "data-refresh"), NOON);
	assert_int_equal(history_get(again, "marketplaces"), SCHEDULE_NEVER);
	assert_true(files_remove_tree(folder, NULL));
}

static void ignore_log(const char *domain, GLogLevelFlags level, const char *message, void *data)
{
	++*(int *)data;
}

static void a_corrupt_file_counts_as_none_with_a_warning(void **state)
{
	static const char *const contents[] = {
		"", "{", "[]", "{\"last_runs\": 5}", "{\"last_runs\": {\"data-refresh\"", "\xff",
	};
	int warnings = 0;
	g_autofree char *folder = new_folder();
	g_autofree char *path = g_build_filename(folder, "scheduler.json", NULL);
	g_log_set_default_handler(ignore_log, &warnings);
	for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
		assert_true(files_replace(path, contents[i], strlen(contents[i]), 0600, NULL));
		g_autoptr(json_t) history = history_read(path);
		assert_int_equal(history_get(history, "data-refresh"), SCHEDULE_NEVER);
		assert_int_equal(warnings, i + 1);
	}
	g_log_set_default_handler(g_log_default_handler, NULL);
	static const char odd[] = "{\"last_runs\": {\"a\": 5, \"b\": \"soon\", \"c\": null}}";
	assert_true(files_replace(path, odd, strlen(odd), 0600, NULL));
	g_autoptr(json_t) history = history_read(path);
	assert_int_equal(history_get(history, "a"), SCHEDULE_NEVER);
	assert_int_equal(history_get(history, "b"), SCHEDULE_NEVER);
	assert_int_equal(history_get(history, "c"), SCHEDULE_NEVER);
	assert_true(files_remove_tree(folder, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_become_a_schedule),
		cmocka_unit_test_setup(what_is_not_set_has_a_default, clear_environment),
		cmocka_unit_test_setup(what_is_set_counts, clear_environment),
		cmocka_unit_test_setup(what_makes_no_sense_is_refused, clear_environment),
		cmocka_unit_test_setup(the_tick_is_at_most_the_shortest_interval,
				       clear_environment),
		cmocka_unit_test(an_interval_that_never_ran_is_due_and_a_daily_job_is_not),
		cmocka_unit_test(what_ran_before_the_restart_counts),
		cmocka_unit_test(nothing_is_due_before_its_first_time),
		cmocka_unit_test(a_clock_set_back_delays_an_interval_by_one_at_most),
		cmocka_unit_test(a_clock_set_forward_makes_one_run_due),
		cmocka_unit_test(failures_are_tried_again_ever_later),
		cmocka_unit_test(a_daily_job_that_fails_is_tried_each_hour),
		cmocka_unit_test(last_runs_survive),
		cmocka_unit_test(a_corrupt_file_counts_as_none_with_a_warning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
