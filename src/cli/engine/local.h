/* Opening the workspace's database, which others hold for moments. */
#pragma once

#include "cli/workspace/workspace.h"
#include "duck/database.h"

#include <glib.h>

/* Opens the file, and waits some seconds for whoever holds it. BUSY: it was not enough. */
struct duck_database *local_open_file(const char *path, const struct duck_options *options,
				      GError **error);

/*
 * Opens it for reading, or the one that an older client made. NOT_FOUND: there is none. BUSY:
 * somebody keeps it open for writing.
 */
struct duck_database *local_open(const struct workspace *workspace, GError **error);
