/*
 * The items of the corporate memory: what analysts and their agents have learnt, and who may see
 * it. Reading many items by filter is in state/knowledge_search.h.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What is longer is refused with TOO_LARGE. In bytes, but for the number of ids. */
enum {
	KNOWLEDGE_TITLE_MAX = 4096,
	KNOWLEDGE_CONTENT_MAX = 1024 * 1024,
	KNOWLEDGE_TEXT_MAX = 4096,	  /* any other column of text */
	KNOWLEDGE_LABELS_MAX = 64 * 1024, /* tags, and entities */
	KNOWLEDGE_BULK_MAX = 10000,	  /* items in one bulk update */
};

struct knowledge_item {
	const char *id, *title, *content, *category;
	const char *tags;   /* as knowledge_labels_text() makes it */
	const char *status; /* pending, approved, mandatory, rejected, revoked or expired */
	const char *contributors, *source_user;
	const char *audience; /* NULL or "all": everybody; "group:<name>": that group */
	double confidence;
	const char *domain;
	const char *entities; /* as tags */
	const char *source_type, *source_ref;
	int64_t valid_from, valid_until;
	const char *supersedes, *sensitivity;
	enum record_flag is_personal; /* unset counts as false */
	int64_t created_at, updated_at;
};
DEFINE_RECORD(knowledge_item)
extern const struct record_type knowledge_item_type;

/* The JSON array that `tags` and `entities` hold; NULL for an empty list. g_free() it. */
char *knowledge_labels_text(char **labels);

/*
 * Who looks. Everybody but an administrator sees an item that is not personal and whose audience is
 * everybody or one of the groups, or whose domain was granted; and always his own. Where a pointer
 * to one is asked for, NULL stands for an administrator, who sees everything.
 */
struct knowledge_viewer {
	const char *email;
	char **groups;	/* names; NULL for none, and likewise below */
	char **domains; /* granted */
};

/* NOT_FOUND: there is no such item, or the viewer may not know of it. */
struct knowledge_item *knowledge_items_find(struct state *state, const char *id,
					    const struct knowledge_viewer *viewer, GError **error);

/* Those of the ids that exist, in any order. */
GPtrArray *knowledge_items_find_many(struct state *state, char **ids, GError **error);

/*
 * Adds an item and returns it. The times are set here; id, status, source type, sensitivity and
 * `is_personal` get their usual values where they are NULL or unset. CONFLICT: the id is taken.
 */
struct knowledge_item *knowledge_items_create(struct state *state,
					      const struct knowledge_item *values, GError **error);

/* The same inside the caller's transaction; the id must be given. */
bool knowledge_items_insert(struct duck_connection *connection, const struct knowledge_item *values,
			    GError **error);

/*
 * Changes the named columns of the item with the id of `values`: any but id, contributors and the
 * times of creation and update. Without a name nothing is written.
 */
bool knowledge_items_update(struct state *state, const struct knowledge_item *values,
			    const char *const *columns, GError **error);

/* One change to many items. */
struct knowledge_bulk {
	const struct knowledge_item *values;
	const char *const *columns; /* of `values`, as in knowledge_items_update() */
	/* Unless `tags` is among the columns: added where missing, then removed. NULL for none. */
	char **tags_add, **tags_remove;
};

/* Each id once, in the order of the request. */
struct knowledge_bulk_result {
	char **updated, **not_found;
};
void knowledge_bulk_result_clear(struct knowledge_bulk_result *result);
DEFINE_AUTO(knowledge_bulk_result)

/* Changes every item of the list that exists, all or none of them. */
bool knowledge_items_update_many(struct state *state, char **ids,
				 const struct knowledge_bulk *change,
				 struct knowledge_bulk_result *result, GError **error);
