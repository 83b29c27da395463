/* How old the data of the tables is, and which of them fail. */
#pragma once

#include "state/directory.h"

#include <stdbool.h>
#include <stdint.h>

/* Its data is older than a day. */
bool freshness_is_stale(const struct directory_table *table, int64_t now);
/* Its last sync failed; what it brought before is still there. */
bool freshness_is_failing(const struct directory_table *table);
