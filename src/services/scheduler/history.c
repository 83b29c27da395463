/* The file of last runs. */
#include "services/scheduler/history.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/schedule.h"

#include <string.h>

enum { LONGEST_FILE = 64 * 1024 };

json_t *history_read(const char *path)
{
	size_t size;
	json_t *runs = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *text = files_read(path, LONGEST_FILE, &size, &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		return json_object();
	g_autoptr(json_t) file = text ? json_parse(text, size, path, &error) : NULL;
	if (file && json_unpack(file, "{so}", "last_runs", &runs) == 0 && json_is_object(runs))
		return json_incref(runs);
	g_warning("every job counts as never run: %s",
		  error ? error->message : "the file of last runs holds something else");
	return json_object();
}

int64_t history_get(const json_t *history, const char *job)
{
	const char *text = json_string_value(json_object_get(history, job));
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, utc) : NULL;
	return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC : SCHEDULE_NEVER;
}

void history_set(json_t *history, const char *job, int64_t time)
{
	g_autofree char *seconds = clock_format(time - time % G_USEC_PER_SEC);
	g_autofree char *text = seconds ? g_strconcat(seconds, "Z", NULL) : NULL;
	json_object_set_new(history, job, json_string(text));
}

bool history_write(const json_t *history, const char *path, GError **error)
{
	g_autoptr(json_t) file = json_pack("{sO}", "last_runs", history);
	g_autofree char *text = json_to_text(file);
	return files_replace(path, text, strlen(text), 0600, error);
}
