/*
 * Rows that could not be read: gathered in a temporary table while a table is loaded, then kept for
 * people in data/.rejects/<table>.parquet with file, line, column, reason and the start of the
 * text.
 */
#pragma once

#include "connectors/local/session.h"

/* Forgets what was gathered. */
bool local_rejects_begin(const struct local_session *session, GError **error);

/* Takes over what DuckDB noted of the files that it just read. */
bool local_rejects_gather(const struct local_session *session, const GPtrArray *files,
			  GError **error);

/* Drops what DuckDB noted, which it does before it can note anything anew. */
bool local_rejects_forget(const struct local_session *session, GError **error);

/* The temporary table: file, line, column_name, reason, text. */
#define LOCAL_GATHERED "local_gathered"

/*
 * Writes the parquet file, or removes it if there is nothing to keep. With `reread`, an array of
 * the names of files, what it held of other files stays. *count is how many rows were rejected now.
 * INVALID: they are more than the options allow, of `rows` that were read.
 */
bool local_rejects_finish(const struct local_job *job, const GPtrArray *reread, int64_t rows,
			  int64_t *count, GError **error);
