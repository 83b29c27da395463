/* By their text, as it came. */
#include "query/memory.h"

#include <string.h>

enum {
	MOST_KEPT = 64, /* beyond that all are forgotten */
	LONGEST_KEPT = 8 * 1024,
};

struct query_memory {
	GHashTable *known; /* text → struct query_known */
};

static void column_free(gpointer data)
{
	struct query_column *column = data;
	g_free(column->name);
	g_free(column->type);
	g_free(column);
}

struct query_known *query_known_new(void)
{
	struct query_known *known = g_rc_box_new0(struct query_known);
	known->columns = g_ptr_array_new_with_free_func(column_free);
	return known;
}

struct query_known *query_known_ref(struct query_known *known)
{
	return g_rc_box_acquire(known);
}

static void clear(void *data)
{
	struct query_known *known = data;
	query_verdict_clear(&known->verdict);
	g_ptr_array_unref(known->columns);
	json_decref(known->columns_shown);
}

void query_known_free(struct query_known *known)
{
	if (known)
		g_rc_box_release_full(known, clear);
}

struct query_memory *query_memory_new(void)
{
	struct query_memory *memory = g_new0(struct query_memory, 1);
	memory->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					      (GDestroyNotify)query_known_free);
	return memory;
}

void query_memory_free(struct query_memory *memory)
{
	if (!memory)
		return;
	g_hash_table_unref(memory->known);
	g_free(memory);
}

struct query_known *query_memory_recall(struct query_memory *memory, const char *sql)
{
	struct query_known *known = g_hash_table_lookup(memory->known, sql);
	return known ? query_known_ref(known) : NULL;
}

/* What is remote may change where it is. */
static bool is_lasting(const struct query_known *known)
{
	for (guint i = 0; i < known->verdict.tables->len; i++) {
		const struct query_table *table = g_ptr_array_index(known->verdict.tables, i);
		if (table->relation)
			return false;
	}
	return true;
}

void query_memory_keep(struct query_memory *memory, const char *sql, struct query_known *known)
{
	if (strlen(sql) > LONGEST_KEPT || !is_lasting(known))
		return;
	if (g_hash_table_size(memory->known) >= MOST_KEPT)
		g_hash_table_remove_all(memory->known);
	g_hash_table_replace(memory->known, g_strdup(sql), query_known_ref(known));
}
