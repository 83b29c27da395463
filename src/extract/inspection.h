/* Asks a sandboxed child (inspect.c) to look into files of which nobody knows whether they are
 * whole. */
#pragma once

#include "base/json.h"
#include "extract/publish.h"

#include <glib.h>
#include <stdbool.h>

struct inspection {
	const char *readable; /* absolute: the one folder that the child can read */
	const char *database; /* to open, in `readable`, or anywhere if copied; or NULL */
	bool copied;	      /* look into a copy of the database */
	json_t *files;	      /* paths of parquet files; stays the caller's */
	bool deep;	      /* read every value of the parquet files */
	const struct publish_limits *limits;
};

/*
 * Calls `take` with each answer but the last. Answers about a parquet file have its index as "file"
 * and either "rows" and "columns" or "error"; others are {"database": message}, about the database
 * as a whole, or {"view": name, "error": message} for one of its views that does not bind.
 */
bool inspection_run(const struct inspection *inspection,
		    bool (*take)(json_t *answer, void *user, GError **error), void *user,
		    GError **error);
