/* The grammar of schedules and which instants are due, as tables of cases. */
#include "base/error.h"
#include "engine/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((int64_t)G_USEC_PER_SEC)

/* "2026-03-01 12:00:00.5", in UTC; NULL for never. */
static int64_t instant(const char *text)
{
	if (!text)
		return SCHEDULE_NEVER;
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, utc);
	assert_non_null(time);
	return g_date_time_to_unix(time) * SECOND + g_date_time_get_microsecond(time);
}

static void what_is_a_schedule_is_taken(void **state)
{
	const char *const good[] = {
		"every 1m",	     "every 15m",	  "every 1h",	       "every 090m",
		"every 527040m",     "every 8784h",	  "daily 00:00",       "daily 23:59",
		"daily 07:00,13:30", "daily 13:30,07:00", "daily 07:00,07:00",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		struct schedule schedule;
		g_autoptr(GError) error = NULL;
		assert_true(schedule_parse(good[i], &schedule, &error));
		assert_true(schedule_check(good[i], &error));
		assert_null(error);
	}
}

static void what_is_none_is_refused(void **state)
{
	const char *const bad[] = {
		NULL,
		"",
		" ",
		"every",
		"every ",
		"every m",
		"every 15",
		"every 15s",
		"every -5m",
		"every +5m",
		"every  15m",
		"every15m",
		"every 15m ",
		" every 15m",
		"every 15m\n",
		"every 1.5h",
		"every 15mm",
		"Every 15m",
		"every 15M",
		"every \xd9\xa1\xd9\xa5m", /* Arabic digits */
		"every 527041m",
		"every 8785h",
		"every 99999999999999999999m",
		"every 4294967297m",
		"daily",
		"daily ",
		"daily 7:00",
		"daily 07:0",
		"daily 07-00",
		"daily 25:00",
		"daily 24:00",
		"daily 12:60",
		"daily 12:00,",
		"daily ,12:00",
		"daily 12:00,,13:00",
		"daily 12:00, 13:00",
		"daily 12:00;13:00",
		"daily 12:00\n",
		"daily 12:00,99:00",
		"daily  12:00",
		"DAILY 12:00",
		"hourly",
		"every 15m\xff",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct schedule schedule;
		g_autoptr(GError) parsed = NULL;
		g_autoptr(GError) checked = NULL;
		if (schedule_parse(bad[i], &schedule, &parsed))
			fail_msg("'%s' was taken", bad[i]);
		assert_false(schedule_check(bad[i], &checked));
		assert_true(g_error_matches(parsed, AGNES_ERROR, AGNES_ERROR_INVALID));
		assert_true(g_error_matches(checked, AGNES_ERROR, AGNES_ERROR_INVALID));
		assert_true(g_utf8_validate(parsed->message, -1, NULL));
	}
}

static void a_long_text_is_not_repeated_whole(void **state)
{
	g_autofree char *text = g_strnfill(100000, 'x');
	g_autoptr(GError) error = NULL;
	assert_false(schedule_check(text, &error));
	assert_true(strlen(error->message) < 300);
}

static void zero_is_read_but_not_to_be_stored(void **state)
{
	assert_false(schedule_check("every 0m", NULL));
	assert_false(schedule_check("every 00h", NULL));
	assert_true(schedule_text_is_due("every 0m", 1000, 1000));
}

static const struct due_case {
	const char *schedule, *last, *now;
	bool due;
} due_cases[] = {
	/* What never ran is due, whatever the text. */
	{"every 15m", NULL, "2026-03-01T12:00:00", true},
	{"daily 23:59", NULL, "2026-03-01T00:00:00", true},
	{"hourly", NULL, "2026-03-01T12:00:00", true},
	{NULL, NULL, "2026-03-01T12:00:00", true},
	/* What ran and has no schedule that can be read is not. */
	{"hourly", "2020-01-01T00:00:00", "2026-03-01T12:00:00", false},
	{"", "2020-01-01T00:00:00", "2026-03-01T12:00:00", false},
	{NULL, "2020-01-01T00:00:00", "2026-03-01T12:00:00", false},
	/* Every so often, to the microsecond. */
	{"every 15m", "2026-03-01T12:00:00", "2026-03-01T12:14:59.999999", false},
	{"every 15m", "2026-03-01T12:00:00", "2026-03-01T12:15:00", true},
	{"every 15m", "2026-03-01T12:00:00.000001", "2026-03-01T12:15:00", false},
	{"every 2h", "2026-03-01T12:00:00", "2026-03-01T13:59:59", false},
	{"every 2h", "2026-03-01T12:00:00", "2026-03-01T14:00:00", true},
	{"every 8784h", "2026-03-01T12:00:00", "2027-03-02T11:59:59", false},
	{"every 8784h", "2026-03-01T12:00:00", "2027-03-02T12:00:00", true},
	/* Local clocks jump on these days; UTC does not. */
	{"every 1h", "2026-03-29T00:30:00", "2026-03-29T01:29:59", false},
	{"every 1h", "2026-03-29T00:30:00", "2026-03-29T01:30:00", true},
	{"daily 02:30", "2026-03-28T02:30:00", "2026-03-29T02:29:59", false},
	{"daily 02:30", "2026-03-28T02:30:00", "2026-03-29T02:30:00", true},
	{"daily 02:30", "2026-10-25T02:30:01", "2026-10-25T23:59:59", false},
	/* Daily: once after each time. */
	{"daily 07:00", "2026-03-01T06:59:59", "2026-03-01T06:59:59.9", false},
	{"daily 07:00", "2026-03-01T06:59:59", "2026-03-01T07:00:00", true},
	{"daily 07:00", "2026-03-01T07:00:00", "2026-03-01T07:00:00", false},
	{"daily 07:00", "2026-03-01T07:00:00", "2026-03-01T23:00:00", false},
	{"daily 07:00", "2026-02-28T07:00:01", "2026-03-01T06:59:59", false},
	{"daily 07:00,13:30", "2026-03-01T07:00:05", "2026-03-01T13:29:59", false},
	{"daily 07:00,13:30", "2026-03-01T07:00:05", "2026-03-01T13:30:00", true},
	{"daily 13:30,07:00", "2026-03-01T07:00:05", "2026-03-01T13:30:00", true},
	{"daily 07:00,13:30", "2026-03-01T06:00:00", "2026-03-01T14:00:00", true},
	{"daily 07:00", "2020-01-01T00:00:00", "2026-03-01T06:00:00", true},
	/* Missed around midnight: made up for, once. */
	{"daily 23:30", "2026-02-28T23:30:01", "2026-03-02T00:10:00", true},
	{"daily 23:30", "2026-03-02T00:10:00", "2026-03-02T00:15:00", false},
	{"daily 23:30", "2026-03-02T00:10:00", "2026-03-02T23:30:00", true},
	{"daily 00:00", "2026-03-01T23:59:59", "2026-03-02T00:00:00", true},
	{"daily 00:00", "2026-03-02T00:00:00", "2026-03-02T00:00:01", false},
	/* The clock was set back: wait for it to catch up. */
	{"every 15m", "2026-03-01T13:00:00", "2026-03-01T12:00:00", false},
	{"every 15m", "2026-03-01T13:00:00", "2026-03-01T13:14:59", false},
	{"daily 07:00", "2026-03-01T13:00:00", "2026-03-01T12:00:00", false},
	{"every 48h", "2026-03-04T11:00:00", "2026-03-01T12:00:00", false},
	/* That last run was in a year that never was. */
	{"every 15m", "2062-01-01T00:00:00", "2026-03-01T12:00:00", true},
	{"daily 07:00", "2062-01-01T00:00:00", "2026-03-01T12:00:00", true},
	/* A clock that starts before 1970. */
	{"daily 07:00", "1969-12-30T08:00:00", "1969-12-31T06:59:00", false},
	{"daily 07:00", "1969-12-30T08:00:00", "1969-12-31T07:00:00", true},
};

static void due_is_what_the_table_says(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(due_cases); i++) {
		const struct due_case *row = &due_cases[i];
		bool due = schedule_text_is_due(row->schedule, instant(row->last),
						instant(row->now));
		if (due != row->due)
			fail_msg("'%s' last %s now %s: %s", row->schedule, row->last, row->now,
				 due ? "due" : "not due");
	}
}

/* Minute by minute through four days, beside the rule spelt out. */
static void each_time_of_day_is_due_once(void **state)
{
	struct schedule schedule;
	assert_true(schedule_parse("daily 00:00,00:01,06:15,23:59", &schedule, NULL));
	int64_t start = instant("2026-02-27T12:00:00"), last = start;
	int runs = 0;
	for (int minute = 0; minute < 4 * SCHEDULE_MINUTES_A_DAY; minute++) {
		int64_t now = start + minute * 60 * SECOND;
		int of_day = (minute + 12 * 60) % SCHEDULE_MINUTES_A_DAY;
		bool due = schedule_is_due(&schedule, last, now);
		assert_int_equal(due, of_day == 0 || of_day == 1 || of_day == 375 ||
					      of_day == SCHEDULE_MINUTES_A_DAY - 1);
		runs += due;
		last = due ? now : last;
	}
	assert_int_equal(runs, 4 * 4);
}

static void tables_run_when_in_doubt(void **state)
{
	int64_t now = instant("2026-03-01T12:00:00"), last = now - 60 * SECOND;
	assert_true(schedule_table_is_due("orders", NULL, last, now));
	assert_true(schedule_table_is_due("orders", "", last, now));
	assert_true(schedule_table_is_due("orders", "hourly", last, now));
	assert_false(schedule_table_is_due("orders", "every 15m", last, now));
	assert_true(schedule_table_is_due("orders", "every 1m", last, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_a_schedule_is_taken),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(a_long_text_is_not_repeated_whole),
		cmocka_unit_test(zero_is_read_but_not_to_be_stored),
		cmocka_unit_test(due_is_what_the_table_says),
		cmocka_unit_test(each_time_of_day_is_due_once),
		cmocka_unit_test(tables_run_when_in_doubt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
