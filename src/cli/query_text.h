/* Where `da query` finds its SQL. */
#pragma once

#include "cli/command.h"

#include <glib.h>

/* From exactly one of the argument, --sql and --stdin; else INVALID. g_free() it. */
char *query_text(const struct invocation *invocation, GError **error);
