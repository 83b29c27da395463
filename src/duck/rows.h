/* How a result of DuckDB becomes a struct duck_rows: for src/duck alone. */
#pragma once

#include "duck/query.h"

#include <duckdb.h>

/* Takes over the result. */
struct duck_rows *duck_rows_new(duckdb_result *result);

/* How many rows an INSERT, UPDATE or DELETE changed. */
int64_t duck_rows_changed(struct duck_rows *rows);
