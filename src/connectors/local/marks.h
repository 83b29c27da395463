/*
 * What the tables of the last runs were made of, so that a table whose files are as they were is
 * not made again. Kept beside the extract, and believed only as long as a table's parquet file is
 * the very one that was made then.
 */
#pragma once

#include "base/cleanup.h"
#include "connectors/local/session.h"

#include <stdbool.h>

struct local_marks;

/* Of the run's source; what is missing or damaged counts as nothing known. */
struct local_marks *local_marks_load(const struct connector_run *run);
void local_marks_free(struct local_marks *marks);
DEFINE_AUTOPTR(local_marks)

/*
 * Everything that the table depends on as a short text, before its files are prepared: g_free() it.
 * NULL when a file changed only just now: another change within the same tick of the clock would
 * not be seen, so such a table is made again.
 */
char *local_marks_digest(const struct local_job *job);

/* Whether the table was made of the same. A digest of NULL is none. */
bool local_marks_hold(const struct local_marks *marks, const char *table, const char *digest);

/* The parquet file at `staged` was. */
void local_marks_note(struct local_marks *marks, const char *table, const char *digest,
		      const char *staged);

/* Writes what was noted, before the run is committed; `scratch` is the session's. */
bool local_marks_save(const struct local_marks *marks, const char *scratch, GError **error);
