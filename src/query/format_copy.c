/* Results that DuckDB writes itself, straight into the pipe. */
#include "query/formats.h"

#include "duck/query.h"
#include "duck/sql.h"

static bool copy_to_pipe(struct query_job *job, const char *options, GError **error)
{
	int64_t limit = job->request->limit;
	g_autofree char *sql = duck_sql(
		"COPY (FROM (%S\n) LIMIT %l) TO %L (%S, USE_TMP_FILE false)", job->body, limit,
		QUERY_RESULT_PATH, options);
	int64_t rows = duck_change(job->connection, error, sql, NULL);
	job->summary->rows = rows;
	job->summary->truncated = rows == limit;
	return rows >= 0;
}

bool format_csv(struct query_job *job, GError **error)
{
	return copy_to_pipe(job, "FORMAT csv, HEADER", error);
}

bool format_parquet(struct query_job *job, GError **error)
{
	return copy_to_pipe(job, "FORMAT parquet", error);
}
