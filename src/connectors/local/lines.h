/* NDJSON, line by line, where some of them are not JSON. */
#pragma once

#include "connectors/local/session.h"

/*
 * Writes the lines that are JSON objects to an unnamed copy, which each file's path then is, and
 * gathers the others as rejects.
 */
bool local_lines_sieve(const struct local_session *session, const GPtrArray *files, GError **error);
