/*
 * One source of a run: its extractor, as often as it takes, then the publication of what came, and
 * what the state says of its tables from then on. A failure here stops no other source.
 */
#pragma once

#include "app/app.h"
#include "app/sync/plan.h"
#include "app/sync/report.h"

#include <stdatomic.h>

struct job {
	struct app *app;
	const struct configuration *config;
	const struct plan_source *plan;
	struct report_source *source; /* with a table for each of the plan */
	const atomic_bool *cancelled;
	/* Waits so many microseconds; false: the run was cancelled meanwhile. */
	bool (*pause)(void *data, gint64 microseconds);
	void *data;
};

/*
 * Blocks until the source is done with. When the run was cancelled before, its tables are in the
 * phase that they had reached, and the state does not know of it.
 */
void job_run(const struct job *job);
