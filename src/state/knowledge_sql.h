/* Conditions on rows of `knowledge_items` that several repositories use, as SQL. */
#pragma once

/* In use, or may come to be; and no secret of its contributor. */
#define KNOWLEDGE_IS_LIVE                                  \
	"(status IN ('approved', 'mandatory', 'pending') " \
	"AND is_personal IS DISTINCT FROM TRUE)"

/* For somebody in the groups of the first parameter with the domains of the second. */
#define KNOWLEDGE_IS_FOR                                                             \
	"(audience IS NULL OR audience = 'all' OR (starts_with(audience, 'group:') " \
	"AND list_contains(?::VARCHAR[], substr(audience, 7))) "                     \
	"OR list_contains(?::VARCHAR[], domain))"

#define KNOWLEDGE_NEWEST_FIRST "ORDER BY updated_at DESC NULLS LAST, id"

/* Half of a pair that nobody has judged yet. */
#define KNOWLEDGE_IS_DUPLICATE                                                        \
	"id IN (SELECT unnest([item_a_id, item_b_id]) FROM knowledge_item_relations " \
	"WHERE relation_type = 'likely_duplicate' AND resolved IS DISTINCT FROM TRUE)"

/* For a parameter of NULL: whether or not. */
#define KNOWLEDGE_IS_RESOLVED "(coalesce(resolved, FALSE) = coalesce(?, resolved, FALSE))"
