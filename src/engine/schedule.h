/*
 * When something that runs by a schedule is due. Two forms, in exactly this spelling:
 *
 *	every <N>m | every <N>h			every so many minutes or hours
 *	daily HH:MM[,HH:MM...]			at these times of each day, in UTC
 *
 * Instants are microseconds since 1970 in UTC. Nothing here reads a clock.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_NEVER INT64_MIN /* the last run of what never ran; the same as DUCK_NO_TIME */

enum {
	SCHEDULE_MINUTES_A_DAY = 24 * 60,
	SCHEDULE_MAX_MINUTES = 366 * SCHEDULE_MINUTES_A_DAY, /* between two runs */
};

struct schedule {
	bool daily;
	int minutes; /* between two runs; unless daily */
	/* Of a daily one: a bit for each minute of the day. */
	uint8_t at[SCHEDULE_MINUTES_A_DAY / 8];
};

/*
 * Reads what is stored; INVALID otherwise. "every 0m" is understood, as always due, because older
 * data may hold it.
 */
bool schedule_parse(const char *text, struct schedule *schedule, GError **error);

/* Whether the text may be stored: what schedule_parse() takes, but nothing that is always due. */
bool schedule_check(const char *text, GError **error);

/*
 * Whether a run is due at `now` when the last one was at `last`:
 * - never ran: due;
 * - every N minutes: due once N minutes have passed, counted in microseconds;
 * - daily: due when one of its times has passed since the last run. A time that was missed because
 *   nothing ran then, also before midnight, is made up for, once;
 * - a last run in the future (the clock was set back) counts as just now, so nothing is due until
 *   the clock has caught up. One that lies further ahead than a day and a period can only come
 *   from a clock that was wrong: due.
 */
bool schedule_is_due(const struct schedule *schedule, int64_t last, int64_t now);

/*
 * The same from the stored text. One that cannot be parsed (and NULL) is due only as long as
 * nothing ever ran: it must not run on each tick.
 */
bool schedule_text_is_due(const char *text, int64_t last, int64_t now);

/*
 * The rule for tables that a sync extracts: one without a schedule runs with every sync, and so
 * does one whose schedule cannot be parsed, with a warning that names the table.
 */
bool schedule_table_is_due(const char *table, const char *text, int64_t last, int64_t now);
