/* Editions and their index by name. */
#include "engine/edition.h"

struct edition *edition_new(uint64_t number, const GPtrArray *sources)
{
	struct edition *edition = g_new0(struct edition, 1);
	edition->number = number;
	edition->references = 1;
	edition->sources = g_ptr_array_new_with_free_func((GDestroyNotify)published_source_free);
	edition->tables = g_ptr_array_new_with_free_func(g_free);
	edition->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < sources->len; i++)
		g_ptr_array_add(edition->sources,
				published_source_ref(g_ptr_array_index(sources, i)));
	return edition;
}

void edition_add(struct edition *edition, const struct published_source *source,
		 const struct published_table *table)
{
	struct edition_table *entry = g_new0(struct edition_table, 1);
	entry->source = source;
	entry->table = table;
	g_ptr_array_add(edition->tables, entry);
	g_hash_table_replace(edition->names, g_ascii_strdown(table->name, -1), entry);
}

struct edition *edition_ref(struct edition *edition)
{
	g_atomic_int_inc(&edition->references);
	return edition;
}

void edition_free(struct edition *edition)
{
	if (!edition || !g_atomic_int_dec_and_test(&edition->references))
		return;
	g_hash_table_unref(edition->names);
	g_ptr_array_unref(edition->tables);
	g_ptr_array_unref(edition->sources);
	g_free(edition);
}

const struct edition_table *edition_find(const struct edition *edition, const char *name)
{
	g_autofree char *folded = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(edition->names, folded);
}
