/* The places of values in a YAML text: a tree of the same shape as the values'. */
#include "base/yaml_place.h"

#include <string.h>

int yaml_compare_names(const void *a, const void *b, void *unused)
{
	return strcmp(a, b);
}

static void free_place(void *place)
{
	yaml_place_free(place);
}

struct yaml_place *yaml_place_new(int line, int column)
{
	struct yaml_place *place = g_new0(struct yaml_place, 1);
	place->line = line;
	place->column = column;
	return place;
}

void yaml_place_free(struct yaml_place *place)
{
	if (!place)
		return;
	g_clear_pointer(&place->members, g_tree_unref);
	g_clear_pointer(&place->items, g_ptr_array_unref);
	g_free(place);
}

void yaml_place_add_member(struct yaml_place *place, const char *key, struct yaml_place *member)
{
	if (!place->members)
		place->members = g_tree_new_full(yaml_compare_names, NULL, g_free, free_place);
	g_tree_insert(place->members, g_strdup(key), member);
}

void yaml_place_add_item(struct yaml_place *place, struct yaml_place *item)
{
	if (!place->items)
		place->items = g_ptr_array_new_with_free_func(free_place);
	g_ptr_array_add(place->items, item);
}

struct yaml_place *yaml_place_share(const struct yaml_place *source, int line, int column)
{
	struct yaml_place *place = yaml_place_new(line, column);
	if (source->members)
		place->members = g_tree_ref(source->members);
	if (source->items)
		place->items = g_ptr_array_ref(source->items);
	return place;
}

static gboolean merge_member(void *key, void *value, void *into)
{
	struct yaml_place *place = into;
	const struct yaml_place *member = value;
	if (!place->members || !g_tree_lookup(place->members, key))
		yaml_place_add_member(place, key,
				      yaml_place_share(member, member->line, member->column));
	return FALSE;
}

void yaml_place_merge(struct yaml_place *place, const struct yaml_place *source)
{
	if (source->members)
		g_tree_foreach(source->members, merge_member, place);
}

const struct yaml_place *yaml_place_member(const struct yaml_place *place, const char *key)
{
	const struct yaml_place *member = place && place->members
						  ? g_tree_lookup(place->members, key)
						  : NULL;
	return member ? member : place;
}

const struct yaml_place *yaml_place_item(const struct yaml_place *place, size_t index)
{
	if (!place || !place->items || index >= place->items->len)
		return place;
	return g_ptr_array_index(place->items, index);
}
