/* Choosing the tables of a run. */
#include "app/sync/plan.h"

#include "engine/schedule.h"

#include <string.h>

static void source_free(gpointer data)
{
	struct plan_source *source = data;
	g_free(source->name);
	g_ptr_array_unref(source->extracted);
	g_ptr_array_unref(source->materialized);
	g_free(source);
}

static const struct plan_connector *find_connector(const struct plan_request *request,
						   const char *name)
{
	for (guint i = 0; i < request->connectors->len; i++) {
		const struct plan_connector *connector = &g_array_index(request->connectors,
									struct plan_connector, i);
		if (strcmp(connector->name, name) == 0)
			return connector;
	}
	return NULL;
}

static struct plan_source *need_source(const struct plan_request *request, GPtrArray *sources,
				       const char *name)
{
	for (guint i = 0; i < sources->len; i++) {
		struct plan_source *source = g_ptr_array_index(sources, i);
		if (strcmp(source->name, name) == 0)
			return source;
	}
	struct plan_source *source = g_new0(struct plan_source, 1);
	source->name = g_strdup(name);
	source->known = find_connector(request, name) != NULL;
	source->extracted = g_ptr_array_new();
	source->materialized = g_ptr_array_new();
	g_ptr_array_add(sources, source);
	return source;
}

static bool is_in(GHashTable *set, const char *name)
{
	return set && g_hash_table_contains(set, name);
}

static const char *text_or(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

/* Not asked of tables that were listed, now or for a run that was cut off. */
static bool is_due(const struct plan_request *request, const struct directory_table *table,
		   bool materialized)
{
	const struct registered_table *row = table->registered;
	int64_t last = table->synced ? table->synced->last_sync : SCHEDULE_NEVER;
	if (materialized)
		return schedule_text_is_due(text_or(row->sync_schedule, PLAN_MATERIALIZED_SCHEDULE),
					    last, request->now);
	return schedule_table_is_due(table->name, row->sync_schedule, last, request->now);
}

static void consider(const struct plan_request *request, const struct directory_table *table,
		     GPtrArray *sources)
{
	const struct registered_table *row = table->registered;
	const char *mode = text_or(row->query_mode, "local");
	bool materialized = strcmp(mode, "materialized") == 0;
	bool listed = is_in(request->ids, row->id) || is_in(request->owed, table->name);
	const char *name = text_or(row->source_type, materialized ? PLAN_MATERIALIZED_SOURCE
								  : request->default_source);
	if (!listed && !request->all)
		return;
	/* What stays where it is has nothing to extract; its extract is told of it when asked to.
	 */
	if (!listed && !materialized && strcmp(mode, "local") != 0)
		return;
	/* Tables that are pushed to us, as by a webhook. */
	if (!listed && !materialized && !find_connector(request, name) &&
	    strcmp(name, request->default_source) != 0)
		return;
	if (!listed && !is_due(request, table, materialized))
		return;
	struct plan_source *source = need_source(request, sources, name);
	g_ptr_array_add(materialized ? source->materialized : source->extracted, (void *)table);
}

/* Connectors that say themselves which tables they have. */
static void consider_whole(const struct plan_request *request, GPtrArray *sources)
{
	for (guint i = 0; i < request->connectors->len; i++) {
		const struct plan_connector *connector = &g_array_index(request->connectors,
									struct plan_connector, i);
		if (connector->whole && schedule_table_is_due(connector->name, connector->schedule,
							      connector->last, request->now))
			need_source(request, sources, connector->name)->whole = true;
	}
}

static gint compare_sources(gconstpointer left, gconstpointer right)
{
	const struct plan_source *a = *(const struct plan_source *const *)left;
	const struct plan_source *b = *(const struct plan_source *const *)right;
	return strcmp(a->name, b->name);
}

GPtrArray *plan_make(const struct plan_request *request)
{
	GPtrArray *sources = g_ptr_array_new_with_free_func(source_free);
	for (size_t i = 0; i < request->directory->table_count; i++) {
		const struct directory_table *table = request->directory->tables[i];
		if (table->registered)
			consider(request, table, sources);
	}
	if (request->all)
		consider_whole(request, sources);
	g_ptr_array_sort(sources, compare_sources);
	return sources;
}
