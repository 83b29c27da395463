/*
 * The tables that the instance knows (`table_registry`). A table has an id, which never changes and
 * which grants name, and a name, which is the name of its view and under which its sync state, its
 * history and its profile are kept.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct registered_table {
	const char *id, *name, *source_type, *bucket, *source_table, *source_query;
	const char *sync_strategy, *query_mode, *sync_schedule;
	enum record_flag profile_after_sync;
	const char *primary_key; /* see registry_decode_key() */
	const char *folder, *description, *registered_by;
	int64_t registered_at;
};
DEFINE_RECORD(registered_table)
extern const struct record_type registered_table_type;

/* Ordered by name: all, those of a source type, and those with query_mode 'local' (of a source type
 * unless that is NULL). */
GPtrArray *registry_list(struct state *state, GError **error);
GPtrArray *registry_list_of_source(struct state *state, const char *source_type, GError **error);
GPtrArray *registry_list_local(struct state *state, const char *source_type, GError **error);

/* NOT_FOUND when there is no such table. Names are compared exactly. */
struct registered_table *registry_find(struct state *state, const char *id, GError **error);
struct registered_table *registry_find_by_name(struct state *state, const char *name,
					       GError **error);

/*
 * Adds a table, with what the columns' defaults are where nothing is said but for sync_strategy,
 * of which NULL is kept. CONFLICT: the id or, letters' case aside, the name is taken.
 */
bool registry_register(struct state *state, const struct registered_table *values, GError **error);

/* Adds many (struct registered_table) in one statement, all or none; as they are. */
bool registry_register_all(struct state *state, const GPtrArray *tables, GError **error);

/*
 * Writes a table whole: adds it, or overwrites all but who registered it. registered_at is the
 * present unless it is given. After a change of the name the history goes with the table; its sync
 * state and profile, which are about data under the old name, are forgotten. CONFLICT: another
 * table has that name.
 */
bool registry_save(struct state *state, const struct registered_table *values, GError **error);

/*
 * Deletes a table and with it its sync state, its history and every grant of it, so that a later
 * table of that name does not inherit them.
 */
bool registry_delete(struct state *state, const char *id, GError **error);

/* The id of a table that is registered under a name: trimmed, lower case, '_' for spaces. */
char *registry_id_of_name(const char *name);
/* The same for an id in the source, of which the dots become '_' too. */
char *registry_id_of_source(const char *source_id);

/* What primary_key holds: a JSON array of columns; NULL for none. g_free() it. */
char *registry_encode_key(char **columns);
/*
 * Its columns, of any form that older files have: a JSON array, a list as Python prints it, texts
 * between commas. Empty ones are left out; NULL for NULL and "". g_strfreev() it.
 */
char **registry_decode_key(const char *text);
