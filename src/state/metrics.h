/* The definitions of business metrics (`metric_definitions`). An id is "<category>/<name>". */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct metric {
	const char *id, *name, *display_name, *category, *description, *type, *unit, *grain;
	const char *table_name;
	char **tables;
	const char *expression, *time_column;
	char **dimensions, **filters, **synonyms, **notes;
	const char *sql;
	const char *sql_variants, *validation; /* JSON */
	const char *source;
	int64_t created_at, updated_at;
};
DEFINE_RECORD(metric)
extern const struct record_type metric_type;

/* Everything NULL but what a definition that does not say it has: type, grain and source. */
void metric_init(struct metric *metric);

/*
 * Stores definitions (struct metric) in place of those with the same ids, of which the time of
 * creation stays; all or none. Of several with one id the last counts.
 */
bool metrics_save(struct state *state, const GPtrArray *metrics, GError **error);

/* NOT_FOUND when there is no such metric. */
struct metric *metrics_find(struct state *state, const char *id, GError **error);

/* Ordered by name; of one category unless that is NULL. */
GPtrArray *metrics_list(struct state *state, const char *category, GError **error);

/* Those about a table: it is their table_name or one of their tables. Ordered by name. */
GPtrArray *metrics_list_of_table(struct state *state, const char *table, GError **error);

/* Those with exactly this synonym. Ordered by name. */
GPtrArray *metrics_list_by_synonym(struct state *state, const char *synonym, GError **error);

/* Writes the named columns, any but the id and the times, to the metric with the id of `values`. */
bool metrics_update(struct state *state, const struct metric *values, const char *const *columns,
		    GError **error);

/* NOT_FOUND when there is no such metric. */
bool metrics_delete(struct state *state, const char *id, GError **error);
