/* Arrow: the only format that is made of DuckDB's chunks by us. */
#include "query/formats.h"

#include "duck/sql.h"
#include "duck/stream.h"
#include "query/arrow_ipc.h"

static bool write_output(void *data, const void *bytes, size_t size, GError **error)
{
	return query_output_write(data, bytes, size, error);
}

static bool write_chunk(const struct query_job *job, struct duck_stream *stream,
			struct arrow_ipc *ipc, uint64_t *written, GError **error)
{
	struct ArrowArray rows = {0};
	bool done = duck_stream_arrow_chunk(stream, &rows, error) &&
		    arrow_ipc_write(ipc, &rows, written, error);
	if (rows.release)
		rows.release(&rows);
	return done;
}

/* Until the end, or until the next chunk, if it is as large as those before, would pass the cut. */
static bool write_chunks(struct query_job *job, struct duck_stream *stream, struct arrow_ipc *ipc,
			 GError **error)
{
	uint64_t cut = job->request->cut_bytes, written = 0, largest = 0;
	for (;;) {
		size_t count;
		if (!duck_stream_next(stream, &count, error))
			return false;
		if (count == 0)
			return true;
		if (cut > 0 && job->summary->rows > 0 && written + largest > cut) {
			job->summary->truncated = job->summary->cut = true;
			return true;
		}
		uint64_t before = written;
		if (!write_chunk(job, stream, ipc, &written, error))
			return false;
		largest = MAX(largest, written - before);
		job->summary->rows += (int64_t)count;
	}
}

bool format_arrow(struct query_job *job, GError **error)
{
	struct ArrowSchema schema = {0};
	int64_t limit = job->request->limit;
	g_autofree char *cut = limit == QUERY_NO_LIMIT ? g_strdup("")
						       : duck_sql("LIMIT %l", MAX(limit, 0));
	g_autofree char *sql = duck_sql("FROM (%S\n) %S", job->body, cut);
	g_autoptr(duck_stream) stream = duck_stream_open(job->connection, sql, error);
	if (!stream || !duck_stream_arrow_schema(stream, &schema, error))
		return false;
	g_autoptr(arrow_ipc) ipc = arrow_ipc_new(&schema, write_output, job->output, error);
	if (!ipc || !write_chunks(job, stream, ipc, error))
		return false;
	if (job->summary->rows >= limit)
		job->summary->truncated = true;
	return arrow_ipc_end(ipc, error);
}
