/* The table `knowledge_item_relations`, and the search for likely duplicates. */
#include "state/knowledge_relations.h"

#include "base/error.h"
#include "state/knowledge_sql.h"
#include "state/store.h"

#include <string.h>

const char *const knowledge_relation_resolutions[] = {"duplicate", "different", "dismissed", NULL};

static const struct record_field fields[] = {
	RECORD_FIELD(struct knowledge_relation, item_a_id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_relation, item_b_id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_relation, relation_type, RECORD_KEY),
	RECORD_FIELD(struct knowledge_relation, score, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_relation, resolved, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_relation, resolved_by, RECORD_PLAIN),
	RECORD_TIME(struct knowledge_relation, resolved_at, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_relation, resolution, RECORD_PLAIN),
	RECORD_TIME(struct knowledge_relation, created_at, RECORD_PLAIN),
};
const struct record_type knowledge_relation_type = RECORD_TYPE("relation of knowledge items",
							       "knowledge_item_relations",
							       struct knowledge_relation, fields);

/* The parameters are an item and the number of entities that two items must share. */
#define DUPLICATES                                                                                 \
	"(WITH labelled AS ("                                                                      \
	"  SELECT *, list_distinct(from_json(entities, '[\"VARCHAR\"]')) AS labels"                \
	"  FROM knowledge_items WHERE domain <> ''),"                                              \
	" alike AS (SELECT other.id AS item_id, other.updated_at,"                                 \
	"   len(list_intersect(item.labels, other.labels)) AS overlap_count,"                      \
	"   len(item.labels) + len(other.labels) - overlap_count AS either"                        \
	"  FROM (SELECT id, domain, labels FROM labelled WHERE id = ?) AS item"                    \
	"  JOIN (FROM labelled WHERE " KNOWLEDGE_IS_LIVE ") AS other"                              \
	"  ON other.domain = item.domain AND other.id <> item.id) "                                \
	"SELECT item_id, overlap_count, overlap_count / either AS jaccard, updated_at FROM alike " \
	"WHERE overlap_count >= ?)"

static const struct record_field duplicate_fields[] = {
	RECORD_FIELD(struct knowledge_duplicate, item_id, RECORD_KEY),
	RECORD_FIELD(struct knowledge_duplicate, overlap_count, RECORD_PLAIN),
	RECORD_FIELD(struct knowledge_duplicate, jaccard, RECORD_PLAIN),
};
const struct record_type knowledge_duplicate_type = RECORD_TYPE(
	"duplicate of a knowledge item", DUPLICATES, struct knowledge_duplicate, duplicate_fields);

#define MOST_ALIKE "ORDER BY jaccard DESC, updated_at DESC NULLS LAST, item_id LIMIT ?"

static void sort_pair(const char **a, const char **b)
{
	if (strcmp(*a, *b) > 0) {
		const char *larger = *a;
		*a = *b;
		*b = larger;
	}
}

int knowledge_relations_add(struct state *state, const char *item_id, const char *other_id,
			    const char *relation_type, double score, GError **error)
{
	sort_pair(&item_id, &other_id);
	if (strcmp(item_id, other_id) == 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "the knowledge item '%s' cannot be related to itself", item_id);
		return -1;
	}
	return (int)store_change(state, error,
				 "INSERT OR IGNORE INTO knowledge_item_relations (item_a_id, "
				 "item_b_id, relation_type, score, resolved, created_at) "
				 "VALUES (?, ?, ?, ?, FALSE, ?)",
				 "sssdt", item_id, other_id, relation_type, score,
				 g_get_real_time());
}

GPtrArray *knowledge_relations_list(struct state *state, const char *relation_type,
				    enum record_flag resolved, int64_t limit, GError **error)
{
	bool wanted = resolved == RECORD_TRUE;
	return store_query(state, error, &knowledge_relation_type,
			   "WHERE relation_type = ? AND " KNOWLEDGE_IS_RESOLVED
			   " ORDER BY created_at DESC NULLS LAST, item_a_id, item_b_id LIMIT ?",
			   "sBi", relation_type, resolved == RECORD_UNSET ? NULL : &wanted,
			   limit > 0 ? MIN(limit, KNOWLEDGE_RELATIONS_MAX)
				     : (int64_t)KNOWLEDGE_RELATIONS);
}

struct knowledge_relation *knowledge_relations_resolve(struct state *state, const char *item_id,
						       const char *other_id,
						       const char *relation_type,
						       const char *resolution,
						       const char *resolved_by, GError **error)
{
	g_auto(state_session) session = {0};
	sort_pair(&item_id, &other_id);
	if (!g_strv_contains(knowledge_relation_resolutions, resolution)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s' is no resolution of a relation", resolution);
		return NULL;
	}
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	int64_t changed = duck_change(
		session.connection, error,
		"UPDATE knowledge_item_relations SET resolved = TRUE, resolution = ?, "
		"resolved_by = ?, resolved_at = ? WHERE item_a_id = ? AND item_b_id = ? "
		"AND relation_type = ? AND resolved IS DISTINCT FROM TRUE",
		"sstsss", resolution, resolved_by, g_get_real_time(), item_id, other_id,
		relation_type);
	if (changed < 0)
		return NULL;
	g_autoptr(knowledge_relation_record) relation = record_find(
		session.connection, error, &knowledge_relation_type,
		"WHERE item_a_id = ? AND item_b_id = ? AND relation_type = ?", "sss", item_id,
		other_id, relation_type);
	if (changed == 0 && relation)
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
				    "the relation is resolved already");
	return changed > 0 ? g_steal_pointer(&relation) : NULL;
}

GPtrArray *knowledge_relations_find_duplicates(struct state *state, const char *item_id,
					       GError **error)
{
	return store_query(state, error, &knowledge_duplicate_type, MOST_ALIKE, "sii", item_id,
			   (int64_t)KNOWLEDGE_DUPLICATES_OVERLAP, (int64_t)KNOWLEDGE_DUPLICATES);
}

int64_t knowledge_relations_record_duplicates(struct duck_connection *connection,
					      const char *item_id, GError **error)
{
	return duck_change(connection, error,
			   "INSERT OR IGNORE INTO knowledge_item_relations (item_a_id, item_b_id, "
			   "relation_type, score, resolved, created_at) "
			   "SELECT least(item_id, ?), greatest(item_id, ?), "
			   "'" KNOWLEDGE_LIKELY_DUPLICATE "', jaccard, FALSE, ? "
			   "FROM " DUPLICATES MOST_ALIKE,
			   "sstsii", item_id, item_id, g_get_real_time(), item_id,
			   (int64_t)KNOWLEDGE_DUPLICATES_OVERLAP, (int64_t)KNOWLEDGE_DUPLICATES);
}
