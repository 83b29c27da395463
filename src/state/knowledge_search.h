/* Knowledge items by filter: pages of them, their number, and how many there are of each kind. */
#pragma once

#include "state/knowledge_items.h"

#include <jansson.h>

enum {
	KNOWLEDGE_PAGE = 100,	      /* items, unless the filter says otherwise */
	KNOWLEDGE_PAGE_MAX = 10000,   /* a higher limit counts as this */
	KNOWLEDGE_PATTERN_MAX = 1000, /* bytes of a pattern or text */
	KNOWLEDGE_WILDCARDS_MAX = 16, /* in a pattern; each costs time on every byte searched */
};

/* Every condition must hold; NULL and false ask for nothing. */
struct knowledge_filter {
	char **statuses; /* one of these */
	const char *category, *domain, *source_type, *source_user;
	const char *audience; /* where "all" is also what has none */
	/*
	 * In title or content, upper and lower case alike: a piece of text in which % stands for
	 * any text and _ for any character, and a plain piece of text.
	 */
	const char *pattern, *text;
	bool exclude_personal;
	bool only_duplicates; /* in a pair of likely duplicates that nobody has judged yet */
	const struct knowledge_viewer *viewer; /* to whom their audience is open */
	int64_t limit, offset;		       /* 0: KNOWLEDGE_PAGE, and from the first */
};

/* Newest change first. TOO_LARGE: the pattern or the text is too long, or has too many wildcards.
 */
GPtrArray *knowledge_search(struct state *state, const struct knowledge_filter *filter,
			    GError **error);

/* How many there are on all pages; -1 on error. */
int64_t knowledge_search_count(struct state *state, const struct knowledge_filter *filter,
			       GError **error);

/* What to count by, and the key of the items that have nothing there. */
enum knowledge_axis {
	KNOWLEDGE_BY_STATUS,	  /* unknown */
	KNOWLEDGE_BY_DOMAIN,	  /* unset */
	KNOWLEDGE_BY_SOURCE_TYPE, /* unknown */
	KNOWLEDGE_BY_AUDIENCE,	  /* all */
	KNOWLEDGE_BY_CATEGORY,	  /* they are not counted, and likewise below */
	KNOWLEDGE_BY_TAG,	  /* an item counts for each of its tags */
};

/*
 * An object of numbers by key, on all pages, the highest number first. The key of a tag is its JSON
 * text without the quotes around it.
 */
json_t *knowledge_search_counts(struct state *state, const struct knowledge_filter *filter,
				enum knowledge_axis axis, GError **error);
