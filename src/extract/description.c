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
			 "DROP TABLE IF EXISTS _meta; DROP TABLE IF EXISTS _checksums;"
			 "DROP TABLE IF EXISTS _remote_attach;"
			 "CREATE TABLE _meta (table_name VARCHAR NOT NULL, description VARCHAR, "
			 "rows BIGINT, size_bytes BIGINT, extracted_at TIMESTAMP, "
			 "query_mode VARCHAR DEFAULT 'local');"
			 "CREATE TABLE _checksums (table_name VARCHAR NOT NULL, md5 VARCHAR, "
			 "size_bytes BIGINT, inode BIGINT, mtime_ns BIGINT)",
			 NULL);
}

GHashTable *description_views(struct duck_connection *connection, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error, "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal",
		NULL);
	if (!rows)
		return NULL;
	GHashTable *views = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	while (duck_rows_next(rows)) {
		char *name = g_strdup(duck_rows_text(rows, 0));
		g_hash_table_replace(views, name, g_strdup(duck_rows_text(rows, 1)));
	}
	return views;
}

bool description_put_view(struct duck_connection *connection, const struct described_table *table,
			  GError **error)
{
	g_autofree char *sql = duck_sql("CREATE OR REPLACE VIEW main.%I AS %S", table->name,
					table->select);
	return duck_exec(connection, error, sql, NULL);
}

bool description_drop_view(struct duck_connection *connection, const char *name, GError **error)
{
	g_autofree char *sql = duck_sql("DROP VIEW main.%I", name);
	return duck_exec(connection, error, sql, NULL);
}

/* The columns of the rows below as parameters for unnest(). */
enum { META_COLUMNS = 6, CHECKSUM_COLUMNS = 5 };

static struct duck_value *columns_for(const enum duck_kind *kinds, size_t columns, size_t rows)
{
	struct duck_value *values = g_new0(struct duck_value, columns);
	for (size_t i = 0; i < columns; i++)
		values[i] = (struct duck_value){DUCK_ARRAY,
						.items = g_new0(struct duck_value, rows),
						.count = rows, .items_kind = kinds[i]};
	return values;
}

static void columns_free(struct duck_value *values, size_t columns)
{
	for (size_t i = 0; i < columns; i++)
		g_free((struct duck_value *)values[i].items);
	g_free(values);
}

static void set_row(struct duck_value *values, size_t columns, size_t row,
		    const struct duck_value *given)
{
	for (size_t i = 0; i < columns; i++)
		((struct duck_value *)values[i].items)[row] = given[i];
}

static bool add_meta(struct duck_connection *connection, const GPtrArray *tables, GError **error)
{
	static const enum duck_kind kinds[META_COLUMNS] = {DUCK_TEXT, DUCK_TEXT, DUCK_INT,
							   DUCK_INT,  DUCK_TIME, DUCK_TEXT};
	struct duck_value *values = columns_for(kinds, META_COLUMNS, tables->len);
	for (guint i = 0; i < tables->len; i++) {
		const struct described_table *table = g_ptr_array_index(tables, i);
		const struct duck_value row[META_COLUMNS] = {
			{DUCK_TEXT, .text = table->name},
			{table->description ? DUCK_TEXT : DUCK_NULL, .text = table->description},
			{DUCK_INT, .integer = table->rows},
			{DUCK_INT, .integer = table->size_bytes},
			{DUCK_TIME, .time = table->extracted_at},
			{DUCK_TEXT, .text = table->remote ? "remote" : "local"},
		};
		set_row(values, META_COLUMNS, i, row);
	}
	int64_t added = duck_change_values(connection,
					   "INSERT INTO main._meta SELECT unnest(?), unnest(?), "
					   "unnest(?), unnest(?), unnest(?), unnest(?)",
					   values, META_COLUMNS, error);
	columns_free(values, META_COLUMNS);
	return added >= 0;
}

static bool add_checksums(struct duck_connection *connection, const GPtrArray *tables,
			  GError **error)
{
	static const enum duck_kind kinds[CHECKSUM_COLUMNS] = {DUCK_TEXT, DUCK_TEXT, DUCK_INT,
							       DUCK_INT, DUCK_INT};
	struct duck_value *values = columns_for(kinds, CHECKSUM_COLUMNS, tables->len);
	size_t count = 0;
	for (guint i = 0; i < tables->len; i++) {
		const struct described_table *table = g_ptr_array_index(tables, i);
		const struct duck_value row[CHECKSUM_COLUMNS] = {
			{DUCK_TEXT, .text = table->name},
			{DUCK_TEXT, .text = table->md5},
			{DUCK_INT, .integer = table->size_bytes},
			{DUCK_INT, .integer = table->inode},
			{DUCK_INT, .integer = table->mtime_ns},
		};
		if (table->md5)
			set_row(values, CHECKSUM_COLUMNS, count++, row);
	}
	for (size_t i = 0; i < CHECKSUM_COLUMNS; i++)
		values[i].count = count;
	int64_t added = duck_change_values(connection,
					   "INSERT INTO main._checksums SELECT unnest(?), "
					   "unnest(?), unnest(?), unnest(?), unnest(?)",
					   values, CHECKSUM_COLUMNS, error);
	columns_free(values, CHECKSUM_COLUMNS);
	return added >= 0;
}

bool description_add_tables(struct duck_connection *connection, const GPtrArray *tables,
			    GError **error)
{
	return add_meta(connection, tables, error) && add_checksums(connection, tables, error);
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

static struct duck_rows *query_tables(struct duck_connection *connection, bool ours, GError **error)
{
	const char *checksums = ours ? "_checksums"
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

GHashTable *description_read(const char *path, bool *ours, GError **error)
{
	*ours = false;
	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return g_hash_table_new(g_str_hash, g_str_equal);
	const struct duck_options options = {.read_only = true, .threads = 1};
	g_autoptr(duck_database) database = duck_database_open(path, &options, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	*ours = connection && has_checksums(connection);
	g_autoptr(duck_rows) rows = connection ? query_tables(connection, *ours, error) : NULL;
	return rows ? collect(rows) : NULL;
}
