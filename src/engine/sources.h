/* The sources as a whole: which there are, and publishing them side by side. */
#pragma once

#include "extract/publish.h"

#include <glib.h>
#include <stdbool.h>

struct sources_plan {
	const char *data_dir;
	const char *only; /* publish this source alone, whether it changed or not; or NULL */
	GHashTable *materialized;  /* source → GPtrArray of the names of registered queries */
	const GPtrArray *previous; /* struct published_source in force */
	const struct publish_limits *limits;
	int children; /* at a time */
};

/* What is published now (struct published_source by name), from published/. */
GPtrArray *sources_load(const char *data_dir, GError **error);

/*
 * Publishes the plan's sources, the slowest of which took *slowest microseconds; the array holds
 * every source that there is from now on. Messages about folders that cannot be sources go to
 * `refused`. NOT_FOUND: plan->only does not exist.
 */
GPtrArray *sources_publish(const struct sources_plan *plan, GPtrArray *refused, gint64 *slowest,
			   GError **error);

/* Removes the published files of sources that are not among `sources`. */
void sources_remove_gone(const char *data_dir, const GPtrArray *sources);
