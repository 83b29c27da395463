/* Who did what (`audit_log`). Entries are written many at once, by whoever collects them. */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct audit_entry {
	const char *id;
	int64_t timestamp;
	const char *user_id, *action, *resource, *params, *result;
	int64_t duration_ms;
};
DEFINE_RECORD(audit_entry)
extern const struct record_type audit_entry_type;

enum { AUDIT_QUERY_LIMIT = 50 };

/*
 * Adds entries (struct audit_entry) in one statement: all or none. Where one has no id or time it
 * gets a new one and the present; params is JSON text, an empty object or text counts as none.
 */
bool audit_write(struct state *state, const GPtrArray *entries, GError **error);

/*
 * Newest first; of one user and one action unless these are NULL. A limit of 0 stands for
 * AUDIT_QUERY_LIMIT.
 */
GPtrArray *audit_query(struct state *state, const char *user_id, const char *action, int64_t limit,
		       GError **error);

/* Deletes what is older than `before`: how many, -1 on error. */
int64_t audit_trim(struct state *state, int64_t before, GError **error);
