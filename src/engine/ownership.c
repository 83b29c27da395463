/* Deciding who owns a name. */
#include "engine/ownership.h"

#include <string.h>

static char *pair_key(const char *source, const char *folded)
{
	return g_strconcat(source, "/", folded, NULL);
}

/* What is published at all: "source/name". */
static GHashTable *live_pairs(const GPtrArray *sources)
{
	GHashTable *live = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(sources, i);
		for (guint j = 0; j < source->tables->len; j++) {
			const struct published_table *table = g_ptr_array_index(source->tables, j);
			g_autofree char *folded = g_ascii_strdown(table->name, -1);
			g_hash_table_add(live, pair_key(source->name, folded));
		}
	}
	return live;
}

/* Takes over what was decided before, as far as it still holds. */
static void keep_stored(struct ownership *ownership, GHashTable *stored, const GPtrArray *sources)
{
	g_autoptr(GHashTable) live = live_pairs(sources);
	GHashTableIter iter;
	gpointer name, source;
	g_hash_table_iter_init(&iter, stored);
	while (g_hash_table_iter_next(&iter, &name, &source)) {
		g_autofree char *folded = g_ascii_strdown(name, -1);
		g_autofree char *pair = pair_key(source, folded);
		if (g_hash_table_contains(live, pair))
			g_hash_table_replace(ownership->owners, g_steal_pointer(&folded),
					     g_strdup(source));
		else
			g_ptr_array_add(ownership->released, g_strdup(name));
	}
}

static void claim(struct ownership *ownership, const struct published_source *source,
		  const struct published_table *table)
{
	char *folded = g_ascii_strdown(table->name, -1);
	const char *owner = g_hash_table_lookup(ownership->owners, folded);
	if (!owner) {
		g_hash_table_replace(ownership->claimed, g_strdup(table->name),
				     g_strdup(source->name));
		g_hash_table_replace(ownership->owners, folded, g_strdup(source->name));
		return;
	}
	if (strcmp(owner, source->name) != 0)
		g_ptr_array_add(ownership->collisions,
				g_strdup_printf("table '%s' of source '%s' is not shown: the name "
						"belongs to source '%s'; rename one of them",
						table->name, source->name, owner));
	g_free(folded);
}

void ownership_decide(struct ownership *ownership, GHashTable *stored, const GPtrArray *sources)
{
	ownership->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	ownership->claimed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	ownership->released = g_ptr_array_new_with_free_func(g_free);
	ownership->collisions = g_ptr_array_new_with_free_func(g_free);
	keep_stored(ownership, stored, sources);
	for (guint i = 0; i < sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(sources, i);
		for (guint j = 0; j < source->tables->len; j++)
			claim(ownership, source, g_ptr_array_index(source->tables, j));
	}
}

bool ownership_has(const struct ownership *ownership, const char *source, const char *name)
{
	g_autofree char *folded = g_ascii_strdown(name, -1);
	return g_strcmp0(g_hash_table_lookup(ownership->owners, folded), source) == 0;
}

void ownership_clear(struct ownership *ownership)
{
	g_clear_pointer(&ownership->owners, g_hash_table_unref);
	g_clear_pointer(&ownership->claimed, g_hash_table_unref);
	g_clear_pointer(&ownership->released, g_ptr_array_unref);
	g_clear_pointer(&ownership->collisions, g_ptr_array_unref);
}
