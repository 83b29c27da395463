/* What the environment says to the scheduler. */
#pragma once

#include "base/cleanup.h"
#include "engine/schedule.h"

#include <stdbool.h>

struct scheduler_settings {
	char *url;	  /* of the server, without a slash at its end */
	char *token;	  /* NULL: none */
	int tick;	  /* seconds between two looks at the clock */
	char **schedules; /* as text, of each of scheduler_jobs */
};

/* INVALID: a variable is set to something that makes no sense, which it names. */
struct scheduler_settings *scheduler_settings_new(GError **error);
void scheduler_settings_free(struct scheduler_settings *settings);
DEFINE_AUTOPTR(scheduler_settings)

/* "every 2h" where the hours come out even, else in minutes, rounded up. */
char *scheduler_schedule_text(int seconds);
