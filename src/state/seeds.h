/* The rows that system.duckdb always has. */
#pragma once

#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

/* Adds the groups Admin and Everyone where they are missing and marks them as the system's. */
bool seeds_apply(struct duck_connection *connection, GError **error);
