/* Brings an open system.duckdb of any age to the present version. */
#pragma once

#include "base/cleanup.h"
#include "state/file.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Copies the file before anything in it is altered, else leaves it alone. UNSUPPORTED: a newer
 * version wrote it. INVALID: it is a database of something else. Fills in `upgrade`.
 */
bool state_upgrade_run(struct state_file *file, const struct state_options *options,
		       struct state_upgrade *upgrade, GError **error);
