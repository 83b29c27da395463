/* The grammar of schedules, and which instants are due. */
#include "engine/schedule.h"

#include "base/error.h"

#include <string.h>

#define MINUTE ((int64_t)60 * G_USEC_PER_SEC)
#define DAY    ((int64_t)SCHEDULE_MINUTES_A_DAY * MINUTE)

enum { MINUTES_AN_HOUR = 60 };

/* Steps over `word`; false, and stays, if the text goes on with something else. */
static bool skip(const char **at, const char *word)
{
	if (!g_str_has_prefix(*at, word))
		return false;
	*at += strlen(word);
	return true;
}

static bool parse_every(const char *at, struct schedule *schedule)
{
	if (!g_ascii_isdigit(*at))
		return false;
	int count = 0;
	for (; g_ascii_isdigit(*at); at++) {
		count = count * 10 + g_ascii_digit_value(*at);
		if (count > SCHEDULE_MAX_MINUTES)
			return false;
	}
	int unit = *at == 'h' ? MINUTES_AN_HOUR : 1;
	if ((*at != 'm' && *at != 'h') || at[1] || count > SCHEDULE_MAX_MINUTES / unit)
		return false;
	schedule->minutes = count * unit;
	return true;
}

/* Two digits below `limit`; -1 otherwise. */
static int parse_two_digits(const char *at, int limit)
{
	if (!g_ascii_isdigit(at[0]) || !g_ascii_isdigit(at[1]))
		return -1;
	int value = g_ascii_digit_value(at[0]) * 10 + g_ascii_digit_value(at[1]);
	return value < limit ? value : -1;
}

static bool parse_daily(const char *at, struct schedule *schedule)
{
	do {
		int hour = parse_two_digits(at, 24);
		int minute = hour >= 0 && at[2] == ':' ? parse_two_digits(at + 3, 60) : -1;
		if (minute < 0)
			return false;
		int of_day = hour * MINUTES_AN_HOUR + minute;
		schedule->at[of_day / 8] |= (uint8_t)(1 << (of_day % 8));
		at += strlen("HH:MM");
	} while (skip(&at, ","));
	return !*at;
}

static bool parse(const char *text, struct schedule *schedule)
{
	*schedule = (struct schedule){0};
	if (!text)
		return false;
	if (skip(&text, "every "))
		return parse_every(text, schedule);
	schedule->daily = true;
	return skip(&text, "daily ") && parse_daily(text, schedule);
}

static void set_invalid(GError **error, const char *text)
{
	g_autofree char *shown = g_utf8_make_valid(text ? text : "", -1);
	g_autofree char *start = g_utf8_substring(shown, 0, MIN(g_utf8_strlen(shown, -1), 40));
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "'%s' is no schedule; write 'every 15m', 'every 6h' (at most %d days) or "
		    "'daily 07:00,13:30' (UTC)",
		    start, SCHEDULE_MAX_MINUTES / SCHEDULE_MINUTES_A_DAY);
}

bool schedule_parse(const char *text, struct schedule *schedule, GError **error)
{
	if (parse(text, schedule))
		return true;
	set_invalid(error, text);
	return false;
}

bool schedule_check(const char *text, GError **error)
{
	struct schedule schedule;
	if (parse(text, &schedule) && (schedule.daily || schedule.minutes > 0))
		return true;
	set_invalid(error, text);
	return false;
}

/* The latest instant up to `now` that a daily schedule names: today's or yesterday's. */
static int64_t latest_target(const struct schedule *schedule, int64_t now)
{
	int64_t in_day = ((now % DAY) + DAY) % DAY; /* also before 1970 */
	int64_t midnight = now - in_day;
	int of_day = (int)(in_day / MINUTE);
	for (int back = 0; back < SCHEDULE_MINUTES_A_DAY; back++) {
		int minute = (of_day - back + SCHEDULE_MINUTES_A_DAY) % SCHEDULE_MINUTES_A_DAY;
		if (schedule->at[minute / 8] & (1 << (minute % 8)))
			return midnight + (of_day - back) * MINUTE;
	}
	g_assert_not_reached(); /* a daily schedule has a time */
}

bool schedule_is_due(const struct schedule *schedule, int64_t last, int64_t now)
{
	if (last == SCHEDULE_NEVER)
		return true;
	int64_t period = schedule->daily ? DAY : schedule->minutes * MINUTE;
	if (last > now)
		return last - now > DAY + period;
	if (schedule->daily)
		return last < latest_target(schedule, now);
	return now - last >= period;
}

bool schedule_text_is_due(const char *text, int64_t last, int64_t now)
{
	struct schedule schedule;
	return parse(text, &schedule) ? schedule_is_due(&schedule, last, now)
				      : last == SCHEDULE_NEVER;
}

bool schedule_table_is_due(const char *table, const char *text, int64_t last, int64_t now)
{
	struct schedule schedule;
	g_autoptr(GError) error = NULL;
	if (!text || !*text)
		return true;
	if (schedule_parse(text, &schedule, &error))
		return schedule_is_due(&schedule, last, now);
	g_warning("table '%s' is taken with every sync: %s", table, error->message);
	return true;
}
