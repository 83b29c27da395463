/* How many bytes each user has scanned on the last day that they did. */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct scan_usage {
	const char *user_id;
	const char *day; /* "2026-01-31", in UTC */
	int64_t bytes;
};
DEFINE_RECORD(scan_usage)
extern const struct record_type scan_usage_type;

/* Of that day alone. */
GPtrArray *scan_usage_list(struct state *state, const char *day, GError **error);
/* An array of struct scan_usage, each user once; replaces what they had. */
bool scan_usage_save(struct state *state, const GPtrArray *usages, GError **error);
