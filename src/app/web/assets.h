/* The files of web/ that the server hands out as they are. */
#pragma once

#include "base/cleanup.h"

#include <glib.h>

struct assets;

/* A folder that is missing is warned about; nothing is found in it then. */
struct assets *assets_new(void);
void assets_free(struct assets *assets);
DEFINE_AUTOPTR(assets)
