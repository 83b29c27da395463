/* What the scheduler has the server do, as a table: a service that needs a clock adds a row. */
#pragma once

#include <stddef.h>

struct scheduler_job {
	const char *name;
	const char *method, *path;
	int patience;	      /* seconds for the answer */
	const char *variable; /* holds the seconds between two calls, if that can be set */
	int seconds;	      /* what it holds if it is not set */
	const char *schedule; /* of a job without a variable, as in engine/schedule.h */
	/* Seconds after the scheduler's start before which it is not called, so that a start is no
	 * burst. What never ran is due then, but a daily job waits for its time. */
	int first;
};

extern const struct scheduler_job scheduler_jobs[];
extern const size_t scheduler_job_count;
