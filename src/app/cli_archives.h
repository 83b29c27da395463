/*
 * The client programs that this server hands out: da-<version>-linux-<arch>.tar.gz in one folder,
 * the newest version for each architecture. Looked for at each request, so that a new one needs no
 * restart.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>

struct cli_archive {
	char *name; /* of the file: letters, digits and ._+- only */
	char *version, *arch;
	char *path;
	char *sha256; /* NULL: it cannot be read */
};

struct cli_archives;

struct cli_archives *cli_archives_new(void);
void cli_archives_free(struct cli_archives *archives);
DEFINE_AUTOPTR(cli_archives)

/* Of struct cli_archive, by architecture. Reads new files whole, for their hash. Any thread. */
GPtrArray *cli_archives_list(struct cli_archives *archives);
