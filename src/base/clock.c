/* Writing instants as text. */
#include "base/clock.h"

#include <glib.h>

char *clock_format(int64_t time)
{
	/* Rounded down also before 1970, without an intermediate that could overflow. */
	int64_t seconds = time / G_USEC_PER_SEC, fraction = time % G_USEC_PER_SEC;
	if (fraction < 0) {
		seconds--;
		fraction += G_USEC_PER_SEC;
	}
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(seconds);
	if (!date)
		return NULL;
	GString *text = g_string_new(NULL);
	g_string_printf(text, "%04d-%02d-%02dT%02d:%02d:%02d", g_date_time_get_year(date),
			g_date_time_get_month(date), g_date_time_get_day_of_month(date),
			g_date_time_get_hour(date), g_date_time_get_minute(date),
			g_date_time_get_second(date));
	if (fraction)
		g_string_append_printf(text, ".%06" G_GINT64_FORMAT, fraction);
	return g_string_free(text, FALSE);
}
