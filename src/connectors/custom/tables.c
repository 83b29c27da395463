/* From the views of a script to a published extract. */
#include "connectors/custom/tables.h"

#include "base/error.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/writer.h"

struct session {
	struct extract_writer *writer;
	struct duck_connection *connection;
	int64_t started;
};

static bool publish_table(const struct session *session, const char *name, const char *description,
			  GError **error)
{
	g_autofree char *path = extract_writer_stage_file(session->writer, name, error);
	if (!path)
		return false;
	g_autofree char *sql = duck_sql("COPY (FROM %I) TO %L (FORMAT parquet, COMPRESSION zstd)",
					name, path);
	const struct extract_local table = {
		.name = name,
		.description = description,
		.rows = duck_change(session->connection, error, sql, NULL),
		.extracted_at = session->started,
	};
	if (table.rows >= 0 && extract_writer_add_local(session->writer, &table, error))
		return true;
	g_prefix_error(error, "table '%s': ", name);
	return false;
}

static bool publish_tables(const struct session *session, int *count, GError **error)
{
	g_autoptr(duck_rows)
		tables = duck_query(session->connection, error,
				    "SELECT view_name AS name, comment FROM duckdb_views()"
				    " WHERE NOT internal AND NOT temporary AND schema_name = 'main'"
				    "  AND database_name = 'memory'"
				    " UNION ALL SELECT table_name, comment FROM duckdb_tables()"
				    " WHERE NOT internal AND NOT temporary AND schema_name = 'main'"
				    "  AND database_name = 'memory' ORDER BY name",
				    NULL);
	if (!tables)
		return false;
	for (*count = 0; duck_rows_next(tables); ++*count) {
		g_autofree char *name = g_strdup(duck_rows_text(tables, 0));
		g_autofree char *comment = g_strdup(duck_rows_text(tables, 1));
		if (!publish_table(session, name, comment, error))
			return false;
	}
	return true;
}

bool script_tables_publish(const struct script_tables *script, int *count, GError **error)
{
	g_autoptr(extract_writer)
		writer = extract_writer_begin(script->data_dir, script->source, error);
	g_autofree char *scratch = writer ? extract_writer_scratch(writer, error) : NULL;
	if (!scratch)
		return false;
	const struct duck_options options = {
		.memory_limit = script->memory_limit,
		.threads = script->threads,
		.temp_directory = scratch,
	};
	g_autoptr(duck_database) database = duck_database_open(NULL, &options, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	const struct session session = {writer, connection, g_get_real_time()};
	if (!connection || !duck_exec(connection, error, script->sql, NULL) ||
	    !publish_tables(&session, count, error))
		return false;
	for (char **name = script->dropped; name && *name; name++)
		extract_writer_drop(writer, *name);
	if (*count > 0 || script->dropped)
		return extract_writer_commit(writer, error);
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the SQL makes no view or table, so there is nothing to publish");
	return false;
}
