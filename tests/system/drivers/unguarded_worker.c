/*
 * A query worker without the guard and without the wrapping that formats need: runs whatever it is
 * sent, as it stands, with every view in place. What it cannot do, no query can do, even one that
 * has fooled the guard.
 */
#include "base/error.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "duck/stream.h"
#include "query/worker.h"

#include <string.h>

/* The tests' own list of tables, all of which get their views. */
static bool show_tables(struct query_engine *engine, GError **error)
{
	static const char *const names[] = {"orders", "customers"};
	g_autoptr(GPtrArray) tables = g_ptr_array_new();
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct query_table *table = query_tables_find(query_engine_tables(engine),
							      names[i]);
		if (table)
			g_ptr_array_add(tables, table);
	}
	return query_engine_show(engine, tables, error);
}

/* Rows that can be shown as text; whatever else there is has run all the same. */
static bool write_rows(struct duck_connection *connection, const char *sql,
		       struct query_output *output, struct query_summary *summary, GError **error)
{
	g_autofree char *as_text = duck_sql("FROM (%S\n) AS q SELECT q::VARCHAR", sql);
	g_autoptr(duck_stream) stream = duck_stream_open(connection, as_text, NULL);
	size_t count = 0;
	if (!stream) /* no query: run it for its effect */
		return duck_exec(connection, error, sql, NULL);
	do {
		if (!duck_stream_next(stream, &count, error))
			return false;
		for (size_t i = 0; i < count; i++) {
			size_t size = 0;
			const char *text = duck_stream_text(stream, 0, i, &size);
			if ((text && !query_output_write(output, text, size, error)) ||
			    !query_output_write(output, "\n", 1, error))
				return false;
		}
		summary->rows += (int64_t)count;
	} while (count > 0);
	return query_output_flush(output, error);
}

static bool execute_raw(struct query_engine *engine, const struct query_request *request,
			struct query_output *output, struct query_summary *summary, GError **error)
{
	if (!show_tables(engine, error))
		return false;
	struct duck_connection *connection = query_engine_begin(engine, request->id, error);
	if (!connection)
		return false;
	bool done = write_rows(connection, request->sql, output, summary, error);
	query_engine_end(engine, connection);
	return done;
}

int main(void)
{
	return query_worker_run(execute_raw);
}
