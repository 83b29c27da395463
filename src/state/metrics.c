/* The table `metric_definitions`. */
#include "state/metrics.h"

#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct metric, id, RECORD_KEY),
	RECORD_FIELD(struct metric, name, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, display_name, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, category, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, description, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, type, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, unit, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, grain, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, table_name, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, tables, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, expression, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, time_column, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, dimensions, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, filters, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, synonyms, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, notes, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, sql, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, sql_variants, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, validation, RECORD_EDITABLE),
	RECORD_FIELD(struct metric, source, RECORD_EDITABLE),
	RECORD_TIME(struct metric, created_at, RECORD_KEPT),
	RECORD_TIME(struct metric, updated_at, RECORD_TOUCHED),
};
const struct record_type metric_type = RECORD_TYPE("metric", "metric_definitions", struct metric,
						   fields);

void metric_init(struct metric *metric)
{
	record_init(&metric_type, metric);
	metric->type = "sum";
	metric->grain = "monthly";
	metric->source = "manual";
}

/* Copies that know the time, one for each id. */
static GPtrArray *to_write(const GPtrArray *metrics)
{
	int64_t now = g_get_real_time();
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *rows = g_ptr_array_new_with_free_func(g_free);
	for (guint i = metrics->len; i > 0; i--) {
		const struct metric *metric = metrics->pdata[i - 1];
		if (!g_hash_table_add(seen, (gpointer)metric->id))
			continue;
		struct metric *row = g_memdup2(metric, sizeof(*metric));
		row->created_at = row->updated_at = now;
		g_ptr_array_add(rows, row);
	}
	return rows;
}

bool metrics_save(struct state *state, const GPtrArray *metrics, GError **error)
{
	g_autoptr(GPtrArray) rows = to_write(metrics);
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_upsert_many(session.connection, &metric_type, rows, error);
}

struct metric *metrics_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &metric_type, "WHERE id = ?", "s", id);
}

GPtrArray *metrics_list(struct state *state, const char *category, GError **error)
{
	return store_query(state, error, &metric_type,
			   "WHERE category = coalesce(?, category) ORDER BY name, id", "s",
			   category);
}

GPtrArray *metrics_list_of_table(struct state *state, const char *table, GError **error)
{
	return store_query(state, error, &metric_type,
			   "WHERE table_name = ? OR list_contains(tables, ?) ORDER BY name, id",
			   "ss", table, table);
}

GPtrArray *metrics_list_by_synonym(struct state *state, const char *synonym, GError **error)
{
	return store_query(state, error, &metric_type,
			   "WHERE list_contains(synonyms, ?) ORDER BY name, id", "s", synonym);
}

bool metrics_update(struct state *state, const struct metric *values, const char *const *columns,
		    GError **error)
{
	return store_update(state, &metric_type, values, columns, error);
}

bool metrics_delete(struct state *state, const char *id, GError **error)
{
	return store_delete(state, error, &metric_type, "WHERE id = ?", "s", id);
}
