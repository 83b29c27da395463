/* DuckDB alone: opens a database, to be read, runs a query, and ends. The peer of `da query`. */
#include "duck/query.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	const struct duck_options options = {.read_only = true};
	if (argc != 3) {
		fputs("usage: bare_query DATABASE SQL\n", stderr);
		return 2;
	}
	g_autoptr(duck_database) database = duck_database_open(argv[1], &options, &error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, &error) : NULL;
	g_autoptr(duck_rows) rows = connection ? duck_query(connection, &error, argv[2], NULL)
					       : NULL;
	if (!rows)
		fprintf(stderr, "%s\n", error->message);
	return rows ? 0 : 1;
}
