/* The variables of the scheduler. Whatever is wrong ends it at its start, not at some tick. */
#include "services/scheduler/settings.h"

#include "base/error.h"
#include "services/scheduler/jobs.h"

#include <string.h>

enum {
	DEFAULT_TICK = 30,
	MINUTE = 60,
	HOUR = 60 * MINUTE,
	LONGEST_SECONDS = SCHEDULE_MAX_MINUTES * MINUTE,
};

char *scheduler_schedule_text(int seconds)
{
	if (seconds % HOUR == 0)
		return g_strdup_printf("every %dh", seconds / HOUR);
	return g_strdup_printf("every %dm", (seconds + MINUTE - 1) / MINUTE);
}

/* One that is set to nothing is wrong, too: somebody meant to say something. */
static bool read_seconds(const char *variable, int otherwise, int *seconds, GError **error)
{
	const char *text = g_getenv(variable);
	gint64 value = otherwise;
	if (text && !g_ascii_string_to_signed(text, 10, 1, LONGEST_SECONDS, &value, NULL)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "%s is '%s': it must be a whole number of seconds from 1 to %d",
			    variable, text, LONGEST_SECONDS);
		return false;
	}
	*seconds = (int)value;
	return true;
}

/* Fills in the schedules and finds the smallest interval. */
static bool read_schedules(struct scheduler_settings *settings, int *smallest, GError **error)
{
	settings->schedules = g_new0(char *, scheduler_job_count + 1);
	*smallest = LONGEST_SECONDS;
	for (size_t i = 0; i < scheduler_job_count; i++) {
		const struct scheduler_job *job = &scheduler_jobs[i];
		int seconds = 0;
		if (job->variable && !read_seconds(job->variable, job->seconds, &seconds, error))
			return false;
		if (job->variable)
			*smallest = MIN(*smallest, seconds);
		settings->schedules[i] = job->variable ? scheduler_schedule_text(seconds)
						       : g_strdup(job->schedule);
	}
	return true;
}

static bool read_tick(struct scheduler_settings *settings, int smallest, GError **error)
{
	if (!read_seconds("SCHEDULER_TICK_SECONDS", DEFAULT_TICK, &settings->tick, error))
		return false;
	if (settings->tick <= smallest)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "SCHEDULER_TICK_SECONDS: a tick of %d seconds is longer than the shortest "
		    "interval of a job, %d seconds",
		    settings->tick, smallest);
	return false;
}

static bool read_url(struct scheduler_settings *settings, GError **error)
{
	const char *given = g_getenv("API_URL");
	settings->url = g_strdup(given ? given : "http://localhost:8000");
	g_strstrip(settings->url);
	for (size_t length = strlen(settings->url); length > 0 && settings->url[length - 1] == '/';)
		settings->url[--length] = '\0';
	g_autoptr(GUri) uri = g_uri_parse(settings->url, G_URI_FLAGS_ENCODED, NULL);
	const char *scheme = uri ? g_uri_get_scheme(uri) : "";
	if (uri && (g_str_equal(scheme, "http") || g_str_equal(scheme, "https")) &&
	    g_uri_get_host(uri) && !g_uri_get_query(uri) && !g_uri_get_fragment(uri))
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "API_URL must be the address of the server, such as "
			    "http://localhost:8000");
	return false;
}

/* A line break in it would be a header of its own. */
static bool read_token(struct scheduler_settings *settings, GError **error)
{
	g_autofree char *token = g_strstrip(g_strdup(g_getenv("SCHEDULER_API_TOKEN") ?: ""));
	for (const char *at = token; *at; at++) {
		if (!g_ascii_isgraph(*at)) {
			g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
					    "SCHEDULER_API_TOKEN holds a character that is neither "
					    "letter, digit nor punctuation");
			return false;
		}
	}
	settings->token = *token ? g_steal_pointer(&token) : NULL;
	return true;
}

struct scheduler_settings *scheduler_settings_new(GError **error)
{
	int smallest;
	g_autoptr(scheduler_settings) settings = g_new0(struct scheduler_settings, 1);
	if (!read_url(settings, error) || !read_token(settings, error) ||
	    !read_schedules(settings, &smallest, error) || !read_tick(settings, smallest, error))
		return NULL;
	return g_steal_pointer(&settings);
}

void scheduler_settings_free(struct scheduler_settings *settings)
{
	if (!settings)
		return;
	g_strfreev(settings->schedules);
	g_free(settings->url);
	g_free(settings->token);
	g_free(settings);
}
