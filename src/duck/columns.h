/* What a prepared statement will give, before it runs. */
#pragma once

#include "duck/query.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether it is a SELECT, or what DuckDB makes one: VALUES, DESCRIBE and the like. */
bool duck_statement_is_query(const struct duck_statement *statement);

size_t duck_statement_columns(const struct duck_statement *statement);

/* Names may repeat. */
char *duck_statement_column_name(const struct duck_statement *statement, size_t column);

/*
 * As SQL spells it: "DECIMAL(18,2)", "STRUCT(a INTEGER, b VARCHAR[])"; "ENUM" without its values,
 * "JSON" for the type of that name, "OTHER" for one that the C API does not know.
 */
char *duck_statement_column_type(const struct duck_statement *statement, size_t column);
