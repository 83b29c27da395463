/*
 * What names may look like, wherever they come from outside. All are ASCII, matched as a whole: a
 * newline at the end fails. NULL fails.
 */
#pragma once

#include <stdbool.h>

/* [a-zA-Z_][a-zA-Z0-9_]{0,63}: tables, sources, aliases of remote databases, extensions. */
bool name_is_strict(const char *text);

/* [a-zA-Z0-9_][a-zA-Z0-9_.\-]{0,127}: buckets, datasets and tables upstream, ids in URLs. */
bool name_is_relaxed(const char *text);

/* [A-Z][A-Z0-9_]{0,63}: environment variables. */
bool name_is_env(const char *text);

/* [a-z][a-z0-9-]{4,28}[a-z0-9]: projects of Google Cloud. */
bool name_is_project(const char *text);
