/* The table of jobs. */
#include "services/scheduler/jobs.h"

#include <glib.h>

const struct scheduler_job scheduler_jobs[] = {
	{"data-refresh", "POST", "/api/sync/trigger", .patience = 120,
	 .variable = "SCHEDULER_DATA_REFRESH_INTERVAL", .seconds = 900, .first = 1},
	{"health-check", "GET", "/api/health", .patience = 30,
	 .variable = "SCHEDULER_HEALTH_CHECK_INTERVAL", .seconds = 300, .first = 0},
	{"script-runner", "POST", "/api/scripts/run-due", .patience = 600,
	 .variable = "SCHEDULER_SCRIPT_RUN_INTERVAL", .seconds = 60, .first = 2},
	{"marketplaces", "POST", "/api/marketplaces/sync-all", .patience = 900,
	 .schedule = "daily 03:00", .first = 30},
};
const size_t scheduler_job_count = G_N_ELEMENTS(scheduler_jobs);
