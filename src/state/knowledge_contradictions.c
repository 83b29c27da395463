/* The table `knowledge_contradictions`. */
#include "state/knowledge_contradictions.h"

#include "base/error.h"
#include "state/id.h"
#include "state/knowledge_items.h"
#include "state/knowledge_sql.h"
#include "state/store.h"

#include <string.h>

const char *const knowledge_contradiction_resolutions[] = {"kept_a", "kept_b", "merged",
							   "both_valid", NULL};

static const struct record_field fields[] = {
	RECORD_FIELD(struct knowledge_contradiction, id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_contradiction, item_a_id, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_contradiction, item_b_id, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_contradiction, explanation, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_contradiction, severity, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_contradiction, suggested_resolution, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_contradiction, resolved, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_contradiction, resolved_by, RECORD_PLAIN),
	RECORD_TIME(struct knowledge_contradiction, resolved_at, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_contradiction, resolution, RECORD_PLAIN),
	RECORD_TIME(struct knowledge_contradiction, detected_at, RECORD_PLAIN),
};
const struct record_type knowledge_contradiction_type = RECORD_TYPE(
	"contradiction", "knowledge_contradictions", struct knowledge_contradiction, fields);

static bool check_sizes(const struct knowledge_contradiction *values, GError **error)
{
	size_t size = MAX(values->explanation ? strlen(values->explanation) : 0,
			  values->suggested_resolution ? strlen(values->suggested_resolution) : 0);
	if (size <= KNOWLEDGE_EXPLANATION_MAX)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
		    "a text of a contradiction has %zu bytes; at most %d are kept", size,
		    KNOWLEDGE_EXPLANATION_MAX);
	return false;
}

static struct knowledge_contradiction *create(struct duck_connection *connection,
					      const struct knowledge_contradiction *values,
					      GError **error)
{
	g_autofree char *id = id_hex("kc_", 12);
	struct knowledge_contradiction row = *values;
	if (!check_sizes(values, error))
		return NULL;
	row.id = id;
	row.resolved = RECORD_FALSE;
	row.resolved_by = row.resolution = NULL;
	row.resolved_at = DUCK_NO_TIME;
	row.detected_at = g_get_real_time();
	return record_create(connection, &knowledge_contradiction_type, &row, error);
}

struct knowledge_contradiction *
knowledge_contradictions_create(struct state *state, const struct knowledge_contradiction *values,
				GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	return create(session.connection, values, error);
}

static bool check_not_waiting(struct duck_connection *connection,
			      const struct knowledge_contradiction *values, GError **error)
{
	g_autoptr(GError) absent = NULL;
	g_autoptr(knowledge_contradiction_record) waiting = record_find(
		connection, &absent, &knowledge_contradiction_type,
		"WHERE resolved IS DISTINCT FROM TRUE AND least(item_a_id, item_b_id) = "
		"least(?1, ?2) AND greatest(item_a_id, item_b_id) = greatest(?1, ?2)",
		"ss", values->item_a_id, values->item_b_id);
	if (g_error_matches(absent, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		return true;
	if (waiting)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "the contradiction of '%s' and '%s' is recorded already",
			    values->item_a_id, values->item_b_id);
	else
		g_propagate_error(error, g_steal_pointer(&absent));
	return false;
}

struct knowledge_contradiction *
knowledge_contradictions_create_new(struct state *state,
				    const struct knowledge_contradiction *values, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !check_not_waiting(session.connection, values, error))
		return NULL;
	return create(session.connection, values, error);
}

GPtrArray *knowledge_contradictions_list(struct state *state, enum record_flag resolved,
					 GError **error)
{
	bool wanted = resolved == RECORD_TRUE;
	return store_query(
		state, error, &knowledge_contradiction_type,
		"WHERE " KNOWLEDGE_IS_RESOLVED " ORDER BY detected_at DESC NULLS LAST, id LIMIT ?",
		"Bi", resolved == RECORD_UNSET ? NULL : &wanted, (int64_t)KNOWLEDGE_CONTRADICTIONS);
}

/* Why the update met no row that it could resolve. */
static void explain(const struct knowledge_contradiction *contradiction, const char *resolution,
		    GError **error)
{
	if (contradiction->resolved == RECORD_TRUE)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
				    "the contradiction is resolved already");
	else
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s' is no resolution of a contradiction", resolution);
}

struct knowledge_contradiction *
knowledge_contradictions_resolve(struct state *state, const char *id, const char *resolution,
				 const char *resolved_by, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	int64_t changed = duck_change(
		session.connection, error,
		"UPDATE knowledge_contradictions SET resolved = TRUE, resolution = ?, "
		"resolved_by = ?, resolved_at = ? "
		"WHERE id = ? AND resolved IS DISTINCT FROM TRUE AND ?",
		"sstsb", resolution, resolved_by, g_get_real_time(), id,
		g_strv_contains(knowledge_contradiction_resolutions, resolution));
	if (changed < 0)
		return NULL;
	g_autoptr(knowledge_contradiction_record) contradiction = record_find(
		session.connection, error, &knowledge_contradiction_type, "WHERE id = ?", "s", id);
	if (changed == 0 && contradiction)
		explain(contradiction, resolution, error);
	return changed > 0 ? g_steal_pointer(&contradiction) : NULL;
}

GPtrArray *knowledge_contradictions_candidates(struct state *state, const char *item_id,
					       const char *domain, GError **error)
{
	return store_query(state, error, &knowledge_item_type,
			   "WHERE id <> ? AND domain IS NOT DISTINCT FROM "
			   "coalesce(nullif(?, ''), domain) AND " KNOWLEDGE_IS_LIVE
			   " " KNOWLEDGE_NEWEST_FIRST " LIMIT ?",
			   "ssi", item_id, domain, (int64_t)KNOWLEDGE_CONTRADICTIONS);
}

json_t *knowledge_contradictions_to_json(const struct knowledge_contradiction *contradiction)
{
	json_t *object = record_to_json(&knowledge_contradiction_type, contradiction);
	const char *text = contradiction->suggested_resolution;
	json_t *decoded = text && text[strspn(text, " \t\r\n")] == '{'
				  ? json_parse(text, strlen(text), "suggested_resolution", NULL)
				  : NULL;
	if (decoded)
		json_object_set_new(object, "suggested_resolution", decoded);
	return object;
}
