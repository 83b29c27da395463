/* The parquet files that a table of several has, as staged in a folder, and what each is of. */
#pragma once

#include "connectors/local/session.h"

/*
 * Stages the table's folder with the parts of the last run, if those were made by the same
 * strategy; *parts maps the path of each to what followed the strategy in its mark. g_free() the
 * path.
 */
char *local_parts_stage(const struct local_job *job, const char *strategy, GHashTable **parts,
			GError **error);

/* The mark of a part. g_free(). */
char *local_part_mark(const char *strategy, const char *text);
