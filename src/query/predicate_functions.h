/* Which functions a predicate may call: fewer than a query. */
#pragma once

#include <stdbool.h>

/* `name` as DuckDB's tree has it, operators included; in any case. */
bool predicate_function_allowed(const char *name);

/* What the interface calls a function that is refused; g_free() it. */
char *predicate_function_shown(const char *name);
