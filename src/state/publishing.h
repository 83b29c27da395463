/*
 * What publishing tables leaves in the state, in bulk: which source owns a name, and which content
 * of a table is in force since when.
 */
#pragma once

#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The owners of names: view_name → source_name. Names are compared without regard to case; should
 * two differ in nothing else, the source that sorts first has them.
 */
GHashTable *publishing_owners(struct state *state, GError **error);

/* Forgets the names of `released` (GPtrArray of char *), then stores `claimed` (name → source). */
bool publishing_save_owners(struct state *state, const GPtrArray *released, GHashTable *claimed,
			    GError **error);

/* table_id → hash ("" for none) of every row of sync_state. */
GHashTable *publishing_hashes(struct state *state, GError **error);

struct publishing_record {
	const char *table; /* the registry's name */
	int64_t synced_at; /* when the data was extracted */
	int64_t rows, size_bytes;
	int columns;
	const char *hash; /* MD5 of the file; "" for a remote table */
};

/* A success for each (struct publishing_record), in sync_state and in sync_history. */
bool publishing_record_all(struct state *state, const GArray *records, GError **error);

/* Names of the registered queries by the source whose folder holds their result: → GPtrArray. */
GHashTable *publishing_materialized(struct state *state, GError **error);
