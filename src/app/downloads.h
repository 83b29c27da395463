/*
 * Which downloads have begun: a transfer that broke off is continued by further requests, and each
 * version of a table that somebody fetched is to stand in the audit log once. Any thread.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct downloads;

struct downloads *downloads_new(void);
void downloads_free(struct downloads *downloads);
DEFINE_AUTOPTR(downloads)

/*
 * Whether this request is a download of its own. One that starts at the beginning is; one for the
 * rest is not if the user has begun to fetch this version, as far as it is remembered.
 */
bool downloads_begin(struct downloads *downloads, const char *user_id, const char *table_id,
		     const char *version, bool from_start);
