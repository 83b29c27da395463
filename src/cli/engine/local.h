/* The workspace's database, to be read. */
#pragma once

#include "cli/workspace/workspace.h"
#include "duck/database.h"

#include <glib.h>

/*
 * Opens it, or the one that an older client made. NOT_FOUND: there is none. BUSY: somebody keeps it
 * open for writing.
 */
struct duck_database *local_open(const struct workspace *workspace, GError **error);
