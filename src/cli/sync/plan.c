/* From what is offered and what is here to what is to be done. */
#include "cli/sync/plan.h"

#include "base/order.h"

#include <string.h>

char *sync_file_name(const char *table)
{
	return g_strconcat(table, ".parquet", NULL);
}

/* The name of a file as opaque change token: known from here, or from an older client. */
static enum sync_action compare_token(const struct sync_question *question,
				      const struct offered_table *table,
				      const struct synced_table *known,
				      const struct file_mark *mark)
{
	if (known)
		return file_mark_equal(mark, &known->mark) && strcmp(known->hash, table->hash) == 0
			       ? SYNC_CURRENT
			       : SYNC_DOWNLOAD;
	const char *token = question->tokens ? g_hash_table_lookup(question->tokens, table->name)
					     : NULL;
	bool fits = g_strcmp0(token, table->hash) == 0 && mark->size == table->size_bytes;
	return fits ? SYNC_CHECK : SYNC_DOWNLOAD;
}

static enum sync_action compare(const struct sync_question *question,
				const struct offered_table *table, const struct synced_table *known)
{
	struct file_mark mark;
	g_autofree char *file = sync_file_name(table->name);
	if (question->folder < 0 || !file_mark_take(question->folder, file, &mark))
		return SYNC_DOWNLOAD;
	if (!*table->hash) /* nothing tells whether it changed */
		return SYNC_DOWNLOAD;
	if (!sync_hash_is_md5(table->hash))
		return compare_token(question, table, known, &mark);
	if (known && file_mark_equal(&mark, &known->mark))
		return strcmp(known->hash, table->hash) == 0 ? SYNC_CURRENT : SYNC_DOWNLOAD;
	bool sizes_differ = table->size_bytes > 0 && mark.size != table->size_bytes;
	return sizes_differ ? SYNC_DOWNLOAD : SYNC_CHECK;
}

static enum sync_action decide(const struct sync_question *question,
			       const struct offered_table *table, const struct synced_table *known)
{
	if (question->table && strcmp(question->table, table->name) != 0)
		return SYNC_SKIPPED;
	if (!table->is_safe)
		return SYNC_REFUSED;
	return table->is_remote ? SYNC_REMOTE : compare(question, table, known);
}

static void find_gone(struct sync_plan *plan, const struct sync_question *question)
{
	void *name;
	GHashTableIter iter;
	g_autoptr(GHashTable) offered = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < question->manifest->tables->len; i++) {
		struct offered_table *table = question->manifest->tables->pdata[i];
		if (!table->is_remote)
			g_hash_table_add(offered, table->name);
	}
	g_hash_table_iter_init(&iter, question->state->tables);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		if (!g_hash_table_contains(offered, name))
			g_ptr_array_add(plan->gone, g_strdup(name));
	}
	g_ptr_array_sort(plan->gone, order_texts);
}

struct sync_plan *sync_plan_make(const struct sync_question *question)
{
	struct sync_plan *plan = g_new(struct sync_plan, 1);
	const GPtrArray *tables = question->manifest->tables;
	plan->steps = g_array_sized_new(FALSE, FALSE, sizeof(struct sync_step), tables->len);
	plan->gone = g_ptr_array_new_with_free_func(g_free);
	plan->known_here = g_hash_table_size(question->state->tables);
	for (guint i = 0; i < tables->len; i++) {
		struct sync_step step = {.table = tables->pdata[i]};
		step.known = g_hash_table_lookup(question->state->tables, step.table->name);
		step.action = decide(question, step.table, step.known);
		g_array_append_val(plan->steps, step);
	}
	find_gone(plan, question);
	return plan;
}

void sync_plan_free(struct sync_plan *plan)
{
	if (!plan)
		return;
	g_array_unref(plan->steps);
	g_ptr_array_unref(plan->gone);
	g_free(plan);
}

bool sync_plan_may_prune(const struct sync_plan *plan)
{
	return plan->steps->len > 0 && plan->gone->len * 2 <= plan->known_here;
}
