/* Deciding who owns a name. */
#include "engine/ownership.h"

#include "state/view_ownership.h"

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
static void keep_stored(struct ownership *ownership, const GPtrArray *stored,
			const GPtrArray *sources)
{
	g_autoptr(GHashTable) live = live_pairs(sources);
	for (guint i = 0; i < stored->len; i++) {
		struct view_owner *owner = g_ptr_array_index(stored, i);
		g_autofree char *folded = g_ascii_strdown(owner->view_name, -1);
		g_autofree char *pair = pair_key(owner->source_name, folded);
		if (!g_hash_table_contains(live, pair)) {
			ownership->released = true;
			continue;
		}
		g_ptr_array_add(ownership->kept, owner);
		g_hash_table_replace(ownership->owners, g_steal_pointer(&folded),
				     g_strdup(owner->source_name));
	}
}

static void add_claim(struct ownership *ownership, const char *source, const char *name)
{
	GPtrArray *names = g_hash_table_lookup(ownership->claimed, source);
	if (!names) {
		names = g_ptr_array_new();
		g_hash_table_replace(ownership->claimed, (void *)source, names);
	}
	g_ptr_array_add(names, (void *)name);
}

static void claim(struct ownership *ownership, const struct published_source *source,
		  const struct published_table *table)
{
	char *folded = g_ascii_strdown(table->name, -1);
	const char *owner = g_hash_table_lookup(ownership->owners, folded);
	if (!owner) {
		add_claim(ownership, source->name, table->name);
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

static void free_names(gpointer names)
{
	g_ptr_array_unref(names);
}

void ownership_decide(struct ownership *ownership, const GPtrArray *stored,
		      const GPtrArray *sources)
{
	ownership->owners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	ownership->claimed = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_names);
	ownership->kept = g_ptr_array_new();
	ownership->collisions = g_ptr_array_new_with_free_func(g_free);
	keep_stored(ownership, stored, sources);
	for (guint i = 0; i < sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(sources, i);
		for (guint j = 0; j < source->tables->len; j++)
			claim(ownership, source, g_ptr_array_index(source->tables, j));
	}
}

static bool save_claims(struct state *state, const char *source, const GPtrArray *claimed,
			GError **error)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (guint i = 0; i < claimed->len; i++)
		g_strv_builder_add(builder, g_ptr_array_index(claimed, i));
	g_auto(GStrv) names = g_strv_builder_end(builder);
	g_auto(GStrv) owned = view_ownership_claim(state, source, names, error);
	return owned != NULL;
}

bool ownership_save(const struct ownership *ownership, struct state *state, GError **error)
{
	if (ownership->released) {
		g_autoptr(GPtrArray) gone = view_ownership_reconcile(state, ownership->kept, error);
		if (!gone)
			return false;
	}
	GHashTableIter iter;
	gpointer source, names;
	g_hash_table_iter_init(&iter, ownership->claimed);
	while (g_hash_table_iter_next(&iter, &source, &names)) {
		if (!save_claims(state, source, names, error))
			return false;
	}
	return true;
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
	g_clear_pointer(&ownership->kept, g_ptr_array_unref);
	g_clear_pointer(&ownership->collisions, g_ptr_array_unref);
}
