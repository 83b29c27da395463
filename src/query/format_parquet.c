/* Parquet, which DuckDB writes itself, straight into the pipe. */
#include "query/formats.h"

#include "duck/query.h"
#include "duck/sql.h"

/*
 * Left to keep the order of rows, COPY holds a whole batch in memory before it writes the first of
 * it, and a join makes batches of any size. So it need not; where there is an order to keep, a
 * LIMIT keeps it, which makes DuckDB use a single thread for the last step.
 */
bool format_parquet(struct query_job *job, GError **error)
{
	int64_t limit = job->request->limit;
	bool cut = job->ordered || limit != QUERY_NO_LIMIT;
	g_autofree char *last = cut ? duck_sql("LIMIT %l", MAX(limit, 0)) : g_strdup("");
	g_autofree char *sql = duck_sql(
		"COPY (FROM (%S\n) %S) TO %L "
		"(FORMAT parquet, PRESERVE_ORDER false, USE_TMP_FILE false)",
		job->body, last, QUERY_RESULT_PATH);
	int64_t rows = duck_change(job->connection, error, sql, NULL);
	job->summary->rows = rows;
	job->summary->truncated = rows >= limit;
	return rows >= 0;
}
