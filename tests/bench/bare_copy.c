/*
 * The peer of the extract benchmark: nothing but DuckDB's COPY from CSV to parquet.
 *
 *	bare_copy MEMORY_LIMIT SPILL_FOLDER CSV PARQUET [CSV PARQUET]...
 */
#include "duck/database.h"
#include "duck/query.h"
#include "duck/sql.h"

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	if (argc < 5 || argc % 2 == 0)
		return 2;
	const struct duck_options options = {.memory_limit = argv[1], .temp_directory = argv[2]};
	g_autoptr(duck_database) database = duck_database_open(NULL, &options, &error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, &error) : NULL;
	for (int i = 3; connection && !error && i < argc; i += 2) {
		g_autofree char *sql = duck_sql("COPY (FROM read_csv(%L)) TO %L"
						" (FORMAT parquet, COMPRESSION zstd)",
						argv[i], argv[i + 1]);
		duck_exec(connection, &error, sql, NULL);
	}
	if (error)
		g_printerr("bare_copy: %s\n", error->message);
	return error != NULL;
}
