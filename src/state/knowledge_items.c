/* The table `knowledge_items`: single items, and one change to many. */
#include "state/knowledge_items.h"

#include "base/error.h"
#include "state/knowledge_sql.h"
#include "state/store.h"

#include <string.h>

static const struct record_field fields[] = {
	RECORD_FIELD(struct knowledge_item, id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_item, title, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, content, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, category, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, tags, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, status, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, contributors, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_item, source_user, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, audience, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, confidence, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, domain, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, entities, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, source_type, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, source_ref, RECORD_EDITABLE),
	RECORD_TIME(struct knowledge_item, valid_from, RECORD_EDITABLE),
	RECORD_TIME(struct knowledge_item, valid_until, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, supersedes, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, sensitivity, RECORD_EDITABLE),
	RECORD_FIELD(struct knowledge_item, is_personal, RECORD_EDITABLE),
	RECORD_TIME(struct knowledge_item, created_at, RECORD_PLAIN),
	RECORD_TIME(struct knowledge_item, updated_at, RECORD_TOUCHED),
};
const struct record_type knowledge_item_type = RECORD_TYPE("knowledge item", "knowledge_items",
							   struct knowledge_item, fields);

struct knowledge_item *knowledge_items_find(struct state *state, const char *id,
					    const struct knowledge_viewer *viewer, GError **error)
{
	if (!viewer)
		return store_find(state, error, &knowledge_item_type, "WHERE id = ?", "s", id);
	return store_find(state, error, &knowledge_item_type,
			  "WHERE id = ? AND (source_user = ? OR (is_personal IS DISTINCT FROM TRUE "
			  "AND " KNOWLEDGE_IS_FOR "))",
			  "ssaa", id, viewer->email, viewer->groups, viewer->domains);
}

GPtrArray *knowledge_items_find_many(struct state *state, char **ids, GError **error)
{
	return store_query(state, error, &knowledge_item_type,
			   "WHERE id IN (SELECT unnest(?::VARCHAR[]))", "a", ids);
}

static bool within(const char *text, size_t limit, const char *what, GError **error)
{
	if (!text || strlen(text) <= limit)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "the %s of a knowledge item has %zu bytes; at most %zu are kept", what,
		    strlen(text), limit);
	return false;
}

static size_t limit_of(const char *column)
{
	if (strcmp(column, "title") == 0)
		return KNOWLEDGE_TITLE_MAX;
	if (strcmp(column, "content") == 0)
		return KNOWLEDGE_CONTENT_MAX;
	if (strcmp(column, "tags") == 0 || strcmp(column, "entities") == 0)
		return KNOWLEDGE_LABELS_MAX;
	return KNOWLEDGE_TEXT_MAX;
}

static bool check_sizes(const struct knowledge_item *item, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (fields[i].kind != RECORD_KIND_TEXT)
			continue;
		const char *text = *(const char *const *)((const char *)item + fields[i].offset);
		if (!within(text, limit_of(fields[i].column), fields[i].column, error))
			return false;
	}
	return true;
}

char *knowledge_labels_text(char **labels)
{
	g_autoptr(json_t) list = json_array();
	for (char **label = labels; label && *label; label++)
		json_array_append_new(list, json_string(*label));
	if (json_array_size(list) == 0)
		return NULL;
	char *text = json_dumps(list, 0); /* ["a", "b"]: with the blank that others write, too */
	char *copy = g_strdup(text);
	free(text);
	return copy;
}

static struct knowledge_item with_defaults(const struct knowledge_item *values)
{
	struct knowledge_item row = *values;
	if (!row.status)
		row.status = "pending";
	if (!row.source_type)
		row.source_type = "claude_local_md";
	if (!row.sensitivity)
		row.sensitivity = "internal";
	if (row.is_personal == RECORD_UNSET)
		row.is_personal = RECORD_FALSE;
	row.created_at = row.updated_at = g_get_real_time();
	return row;
}

struct knowledge_item *knowledge_items_create(struct state *state,
					      const struct knowledge_item *values, GError **error)
{
	g_autofree char *id = g_uuid_string_random();
	struct knowledge_item row = with_defaults(values);
	if (!row.id)
		row.id = id;
	if (!check_sizes(&row, error))
		return NULL;
	return store_create(state, &knowledge_item_type, &row, error);
}

bool knowledge_items_insert(struct duck_connection *connection, const struct knowledge_item *values,
			    GError **error)
{
	struct knowledge_item row = with_defaults(values);
	return check_sizes(&row, error) &&
	       record_insert(connection, &knowledge_item_type, &row, error);
}

bool knowledge_items_update(struct state *state, const struct knowledge_item *values,
			    const char *const *columns, GError **error)
{
	return check_sizes(values, error) &&
	       store_update(state, &knowledge_item_type, values, columns, error);
}

void knowledge_bulk_result_clear(struct knowledge_bulk_result *result)
{
	g_clear_pointer(&result->updated, g_strfreev);
	g_clear_pointer(&result->not_found, g_strfreev);
}

static bool check_bulk(char **ids, const struct knowledge_bulk *change, GError **error)
{
	g_autofree char *added = knowledge_labels_text(change->tags_add);
	if (!within(added, KNOWLEDGE_LABELS_MAX, "tags", error) ||
	    !check_sizes(change->values, error))
		return false;
	if (g_strv_length(ids) <= KNOWLEDGE_BULK_MAX)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "at most %d knowledge items can be changed at once", KNOWLEDGE_BULK_MAX);
	return false;
}

/* Every list is computed from the one before: the tags there are, with the new ones, without the
 * removed ones. */
static const char change_tags[] =
	"UPDATE knowledge_items SET updated_at = $4, tags = ("
	"WITH old AS (SELECT coalesce(from_json(tags, '[\"VARCHAR\"]'), []) AS labels),"
	" grown AS (SELECT labels || list_filter($2::VARCHAR[], lambda x, i: "
	"   NOT list_contains(labels, x) AND list_position($2::VARCHAR[], x) = i) AS labels"
	"  FROM old),"
	" kept AS (SELECT list_filter(labels, lambda x: x IS NOT NULL "
	"   AND NOT list_contains($3::VARCHAR[], x)) AS labels FROM grown) "
	"SELECT CASE WHEN len(labels) > 0 THEN '[' || array_to_string("
	"  list_transform(labels, lambda x: to_json(x)::VARCHAR), ', ') || ']' END FROM kept) "
	"WHERE id IN (SELECT unnest($1::VARCHAR[]))";

static char **or_none(char **list)
{
	static char *none[] = {NULL};
	return list ? list : none;
}

static bool changes_tags(const struct knowledge_bulk *change)
{
	return (change->tags_add || change->tags_remove) &&
	       !g_strv_contains(change->columns, "tags");
}

static bool apply(struct duck_connection *connection, char **ids,
		  const struct knowledge_bulk *change, GError **error)
{
	if (record_update_where(connection, error, &knowledge_item_type, change->values,
				change->columns, "WHERE id IN (SELECT unnest(?::VARCHAR[]))", "a",
				ids) < 0)
		return false;
	return !changes_tags(change) ||
	       duck_exec(connection, error, change_tags, "aaat", ids, or_none(change->tags_add),
			 or_none(change->tags_remove), g_get_real_time());
}

/* Which of the ids exist; TOO_LARGE when the tags of one have grown too long. */
static bool report(struct duck_connection *connection, char **ids,
		   struct knowledge_bulk_result *result, GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT coalesce(list(id ORDER BY position) FILTER (found), []), "
		"coalesce(list(id ORDER BY position) FILTER (NOT found), []), "
		"coalesce(max(size), 0) FROM (SELECT wanted.id, min(position) AS position, "
		"count(item.id) > 0 AS found, max(strlen(item.tags::VARCHAR)) AS size "
		"FROM unnest(?::VARCHAR[]) WITH ORDINALITY AS wanted(id, position) "
		"LEFT JOIN knowledge_items AS item ON item.id = wanted.id GROUP BY wanted.id)",
		"a", ids);
	if (!rows || !duck_rows_next(rows))
		return false;
	if (duck_rows_int(rows, 2) > KNOWLEDGE_LABELS_MAX) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "the tags of a knowledge item would take %d bytes; at most %d are kept",
			    (int)duck_rows_int(rows, 2), KNOWLEDGE_LABELS_MAX);
		return false;
	}
	result->updated = duck_rows_list(rows, 0);
	result->not_found = duck_rows_list(rows, 1);
	return true;
}

bool knowledge_items_update_many(struct state *state, char **ids,
				 const struct knowledge_bulk *change,
				 struct knowledge_bulk_result *result, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	return check_bulk(ids, change, error) &&
	       state_session_begin(&session, state, STATE_WRITE, error) &&
	       duck_transaction_begin(&transaction, session.connection, error) &&
	       apply(session.connection, ids, change, error) &&
	       report(session.connection, ids, result, error) &&
	       duck_transaction_commit(&transaction, error);
}
