/*
 * What a user may scan: so many at a time, so many bytes a day (UTC). Kept in memory; the bytes are
 * written to the state by a thread of its own, at most once a second, so that a restart does not
 * forget them and no scan waits. Any thread.
 */
#pragma once

#include "base/cleanup.h"
#include "state/state.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct scan_quotas;

struct scan_quotas *scan_quotas_new(struct state *state, GError **error);
/* Writes what is counted. Every scan must have ended. */
void scan_quotas_free(struct scan_quotas *quotas);
DEFINE_AUTOPTR(scan_quotas)

struct scan_limits {
	int64_t concurrent;
	int64_t daily_bytes;
};

/* Counts a scan in. A new {"error", "kind", …} when it is one too many, NULL when it may start. */
json_t *scan_quotas_begin(struct scan_quotas *quotas, const char *user_id,
			  const struct scan_limits *limits);
/* For each scan that began: how many bytes it gave. */
void scan_quotas_end(struct scan_quotas *quotas, const char *user_id, uint64_t bytes);
