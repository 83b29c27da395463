/*
 * Recognising the two kinds of views that producers write, in the text that DuckDB gives back for a
 * stored view. Recognition is strict: a view with anything more to it (a filter, a renamed column)
 * is none of them and has to be evaluated.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

/* SELECT * FROM read_parquet(one path or a list, with or without union_by_name) */
struct parquet_view {
	GPtrArray *paths; /* as written, perhaps with * in them */
	bool union_by_name;
};
void parquet_view_clear(struct parquet_view *view);
DEFINE_AUTO(parquet_view)

bool parquet_view_parse(const char *sql, struct parquet_view *view);

/* SELECT * FROM alias.schema.table, in an attached database */
struct remote_view {
	char *alias, *schema, *table;
};
void remote_view_clear(struct remote_view *view);
DEFINE_AUTO(remote_view)

bool remote_view_parse(const char *sql, struct remote_view *view);
