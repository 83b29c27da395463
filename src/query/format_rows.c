/* Row by row. */
#include "query/format_rows.h"

#include "duck/sql.h"

/* Up to so many rows a result is small enough to be held before its first row is written. */
enum { SMALL_RESULT = 10000 };

GString *rows_statement(const struct query_job *job)
{
	GString *sql = g_string_new(NULL);
	duck_sql_append(sql, "FROM (%S\n) AS q(", job->body);
	for (guint i = 0; i < job->columns->len; i++)
		g_string_append_printf(sql, "%sc%u", i ? ", " : "", i);
	g_string_append(sql, ") ");
	return sql;
}

void rows_append_limit(GString *sql, const struct query_job *job)
{
	if (job->request->limit != QUERY_NO_LIMIT)
		duck_sql_append(sql, " LIMIT %l", job->request->limit + 1);
}

static bool is_full(const struct query_job *job)
{
	uint64_t cut = job->request->cut_bytes;
	return cut > 0 && job->output->written >= cut;
}

bool rows_write_all(struct query_job *job, const char *sql, rows_write *write, const void *data,
		    GError **error)
{
	struct query_summary *summary = job->summary;
	size_t count;
	bool small = job->request->limit <= SMALL_RESULT;
	g_autoptr(duck_stream) stream = (small ? duck_stream_whole
					       : duck_stream_open)(job->connection, sql, error);
	if (!stream)
		return false;
	summary->truncated = job->request->limit == QUERY_NO_ROWS;
	do {
		if (!duck_stream_next(stream, &count, error))
			return false;
		for (size_t i = 0; i < count; i++) {
			summary->cut = is_full(job);
			summary->truncated = summary->cut || summary->rows == job->request->limit;
			if (summary->truncated)
				return true;
			if (!write(job, stream, i, data, error))
				return false;
			summary->rows++;
		}
	} while (count > 0);
	return true;
}
