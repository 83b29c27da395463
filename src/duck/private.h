/* What the files of src/duck share, and the one place that includes duckdb.h. */
#pragma once

#include "duck/database.h"

#include <duckdb.h>

struct duck_database {
	duckdb_database handle;
};

struct duck_connection {
	duckdb_connection handle;
};

struct duck_statement {
	duckdb_prepared_statement handle;
};

struct duck_value;

/* Binds one parameter, counted from 1. INVALID: it holds text that is not UTF-8. */
bool duck_bind(duckdb_prepared_statement handle, idx_t index, const struct duck_value *value,
	       GError **error);

/* Sets *error from DuckDB's message, the code chosen by the class that the message starts with. */
void duck_set_error(GError **error, const char *message);
