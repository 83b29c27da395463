/* The tables inside extract.duckdb: the columns of the first two are a contract. */
#include "extract/description.h"

#include "duck/query.h"
#include "duck/sql.h"
#include "extract/bounds.h"

void described_table_free(struct described_table *table)
{
	if (!table)
		return;
	g_free(table->name);
	g_free(table->description);
	g_free(table->select);
	g_free(table->md5);
	g_free(table);
}

void described_attach_free(struct described_attach *attach)
{
	if (!attach)
		return;
	g_free(attach->alias);
	g_free(attach->extension);
	g_free(attach->url);
	g_free(attach->token_env);
	g_free(attach);
}

bool description_create(struct duck_connection *connection, GError **error)
{
	return duck_exec(connection, error,
			 "CREATE TABLE _meta (table_name VARCHAR NOT NULL, description VARCHAR, "
			 "rows BIGINT, size_bytes BIGINT, extracted_at TIMESTAMP, "
			 "query_mode VARCHAR DEFAULT 'local');"
			 "CREATE TABLE _checksums (table_name VARCHAR NOT NULL, md5 VARCHAR, "
			 "size_bytes BIGINT, inode BIGINT, mtime_ns BIGINT)",
			 NULL);
}

bool description_add_table(struct duck_connection *connection, const struct described_table *table,
			   GError **error)
{
	if (table->select) {
		g_autofree char *sql = duck_sql("CREATE VIEW main.%I AS %S", table->name,
						table->select);
		if (!duck_exec(connection, error, sql, NULL))
			return false;
	}
	if (table->md5 &&
	    !duck_exec(connection, error, "INSERT INTO main._checksums VALUES (?, ?, ?, ?, ?)",
		       "ssiii", table->name, table->md5, table->size_bytes, table->inode,
		       table->mtime_ns))
		return false;
	return duck_exec(connection, error, "INSERT INTO main._meta VALUES (?, ?, ?, ?, ?, ?)",
			 "ssiits", table->name, table->description, table->rows, table->size_bytes,
			 table->extracted_at, table->remote ? "remote" : "local");
}

bool description_add_attach(struct duck_connection *connection,
			    const struct described_attach *attach, GError **error)
{
	return duck_exec(connection, error,
			 "CREATE TABLE IF NOT EXISTS main._remote_attach (alias VARCHAR, "
			 "extension VARCHAR, url VARCHAR, token_env VARCHAR)",
			 NULL) &&
	       duck_exec(connection, error, "INSERT INTO main._remote_attach VALUES (?, ?, ?, ?)",
			 "ssss", attach->alias, attach->extension, attach->url, attach->token_env);
}

/* The reference's files have no checksums. */
static bool has_checksums(struct duck_connection *connection)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, NULL, "SELECT 1 FROM duckdb_tables() WHERE table_name = '_checksums'",
		NULL);
	return rows && duck_rows_next(rows);
}

static struct duck_rows *query_tables(struct duck_connection *connection, GError **error)
{
	const char *checksums = has_checksums(connection)
					? "_checksums"
					: "(SELECT NULL::VARCHAR AS table_name, "
					  "NULL::VARCHAR AS md5, 0 AS inode, 0 AS mtime_ns)";
	g_autofree char *sql = duck_sql(
		"SELECT m.table_name::VARCHAR, coalesce(description::VARCHAR, ''), rows::BIGINT, "
		"m.size_bytes::BIGINT, extracted_at::TIMESTAMP, md5::VARCHAR, inode::BIGINT, "
		"mtime_ns::BIGINT FROM _meta m LEFT JOIN %S c ON c.table_name = m.table_name "
		"WHERE coalesce(query_mode, 'local') = 'local' LIMIT %d",
		checksums, EXTRACT_MOST_TABLES);
	return duck_query(connection, error, sql, NULL);
}

static GHashTable *collect(struct duck_rows *rows)
{
	GHashTable *tables = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
						   (GDestroyNotify)described_table_free);
	while (duck_rows_next(rows)) {
		struct described_table *table = g_new0(struct described_table, 1);
		table->name = g_strdup(duck_rows_text(rows, 0));
		table->description = g_strdup(duck_rows_text(rows, 1));
		table->rows = duck_rows_int(rows, 2);
		table->size_bytes = duck_rows_int(rows, 3);
		table->extracted_at = duck_rows_time(rows, 4);
		table->md5 = g_strdup(duck_rows_text(rows, 5));
		table->inode = duck_rows_int(rows, 6);
		table->mtime_ns = duck_rows_int(rows, 7);
		g_hash_table_replace(tables, table->name, table);
	}
	return tables;
}

GHashTable *description_read(const char *path, GError **error)
{
	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return g_hash_table_new(g_str_hash, g_str_equal);
	const struct duck_options options = {.read_only = true, .threads = 1};
	g_autoptr(duck_database) database = duck_database_open(path, &options, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	g_autoptr(duck_rows) rows = connection ? query_tables(connection, error) : NULL;
	return rows ? collect(rows) : NULL;
}
