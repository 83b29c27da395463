/* The table `column_metadata`. */
#include "state/column_metadata.h"

#include "base/error.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct column_note, table_id, RECORD_KEY),
	RECORD_FIELD(struct column_note, column_name, RECORD_KEY),
	RECORD_FIELD(struct column_note, basetype, RECORD_PLAIN),
	RECORD_FIELD(struct column_note, description, RECORD_PLAIN),
	RECORD_FIELD(struct column_note, confidence, RECORD_PLAIN),
	RECORD_FIELD(struct column_note, source, RECORD_PLAIN),
	RECORD_TIME(struct column_note, updated_at, RECORD_PLAIN),
};
const struct record_type column_note_type = RECORD_TYPE("column's metadata", "column_metadata",
							struct column_note, fields);

bool column_metadata_save(struct state *state, const struct column_note *values, GError **error)
{
	struct column_note note = *values;
	note.updated_at = g_get_real_time();
	return store_upsert(state, &column_note_type, &note, error);
}

/* Copies as of now, one for each column. */
static GPtrArray *to_write(const GPtrArray *notes)
{
	int64_t now = g_get_real_time();
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GPtrArray *rows = g_ptr_array_new_with_free_func(g_free);
	for (guint i = notes->len; i > 0; i--) {
		const struct column_note *note = notes->pdata[i - 1];
		char *key = g_strdup_printf("%s\n%s", note->table_id, note->column_name);
		if (!g_hash_table_add(seen, key))
			continue;
		struct column_note *row = g_memdup2(note, sizeof(*note));
		row->updated_at = now;
		g_ptr_array_add(rows, row);
	}
	return rows;
}

bool column_metadata_save_all(struct state *state, const GPtrArray *notes, GError **error)
{
	g_autoptr(GPtrArray) rows = to_write(notes);
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_upsert_many(session.connection, &column_note_type, rows, error);
}

GPtrArray *column_metadata_list(struct state *state, const char *table_id, GError **error)
{
	return store_query(state, error, &column_note_type,
			   "WHERE table_id = ? ORDER BY column_name", "s", table_id);
}

bool column_metadata_delete(struct state *state, const char *table_id, const char *column,
			    GError **error)
{
	return store_delete(state, error, &column_note_type,
			    "WHERE table_id = ? AND column_name = ?", "ss", table_id, column);
}

static bool malformed(GError **error, const char *table, const char *column, const char *problem)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "proposal: %s%s%s: %s",
		    table ? table : "tables", column ? "." : "", column ? column : "", problem);
	return false;
}

/* A text or nothing. */
static bool read_text(const json_t *object, const char *key, const char **text)
{
	const json_t *value = json_object_get(object, key);
	if (value && !json_is_null(value) && !json_is_string(value))
		return false;
	if (json_is_string(value))
		*text = json_string_value(value);
	return true;
}

static bool add_note(GPtrArray *notes, const char *table, const char *column,
		     const json_t *proposed, GError **error)
{
	struct column_note note = {.table_id = table,
				   .column_name = column,
				   .confidence = "high",
				   .source = "ai_enrichment"};
	if (!json_is_object(proposed))
		return malformed(error, table, column, "not an object");
	if (!read_text(proposed, "basetype", &note.basetype) ||
	    !read_text(proposed, "description", &note.description) ||
	    !read_text(proposed, "confidence", &note.confidence))
		return malformed(error, table, column,
				 "basetype, description and confidence must be texts");
	g_ptr_array_add(notes, g_memdup2(&note, sizeof(note)));
	return true;
}

static bool add_table(GPtrArray *notes, const char *table, const json_t *proposed, GError **error)
{
	const char *column;
	json_t *value;
	json_t *columns = json_object_get(proposed, "columns");
	if (!json_is_object(proposed) || (columns && !json_is_object(columns)))
		return malformed(error, table, NULL, "not an object with an object 'columns'");
	json_object_foreach(columns, column, value)
	{
		if (!add_note(notes, table, column, value, error))
			return false;
	}
	return true;
}

int64_t column_metadata_import(struct state *state, const json_t *proposal, GError **error)
{
	const char *table;
	json_t *value;
	json_t *tables = json_object_get(proposal, "tables");
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	if (!json_is_object(tables)) {
		malformed(error, NULL, NULL, "not an object");
		return -1;
	}
	json_object_foreach(tables, table, value)
	{
		if (!add_table(notes, table, value, error))
			return -1;
	}
	return column_metadata_save_all(state, notes, error) ? (int64_t)notes->len : -1;
}
