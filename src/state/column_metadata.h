/* What is known of columns beyond their type (`column_metadata`). */
#pragma once

#include "base/json.h"
#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct column_note {
	const char *table_id, *column_name;
	const char *basetype, *description, *confidence, *source;
	int64_t updated_at;
};
DEFINE_RECORD(column_note)
extern const struct record_type column_note_type;

/* Stores a note whole, in place of the last one of the column, as of now. */
bool column_metadata_save(struct state *state, const struct column_note *values, GError **error);

/* The same for several (struct column_note), all or none; of two of one column the last counts. */
bool column_metadata_save_all(struct state *state, const GPtrArray *notes, GError **error);

/* The columns of a table, ordered by name. */
GPtrArray *column_metadata_list(struct state *state, const char *table_id, GError **error);

/* NOT_FOUND when there is no such note. */
bool column_metadata_delete(struct state *state, const char *table_id, const char *column,
			    GError **error);

/*
 * Stores every column of a proposal, {"tables": {ID: {"columns": {NAME: {"basetype", "description",
 * "confidence"}}}}}, all or none; `confidence` is "high" unless given. Returns how many there were,
 * -1 on error. INVALID: of another shape; the message says where.
 */
int64_t column_metadata_import(struct state *state, const json_t *proposal, GError **error);
