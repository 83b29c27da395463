/* Listing groups. */
#include "app/group_list.h"

#include "app/group_origin.h"
#include "app/wire.h"

#include <string.h>

GHashTable *group_list_count_members(const struct directory *directory)
{
	GHashTable *counts = g_hash_table_new(g_str_hash, g_str_equal);
	struct pmap_iter iter;
	pmap_iter_init(&iter, directory->users);
	for (const struct directory_user *user; (user = pmap_iter_next(&iter));) {
		for (char **id = user->group_ids; *id; id++) {
			int count = GPOINTER_TO_INT(g_hash_table_lookup(counts, *id));
			g_hash_table_insert(counts, *id, GINT_TO_POINTER(count + 1));
		}
	}
	return counts;
}

static int compare_groups(const void *left, const void *right)
{
	const struct directory_group *const *first = left, *const *second = right;
	return strcmp((*first)->row->name, (*second)->row->name);
}

/* Of struct directory_group, by name; borrowed from the picture. */
static GPtrArray *groups_by_name(const struct directory *directory)
{
	GPtrArray *groups = g_ptr_array_new();
	struct pmap_iter iter;
	pmap_iter_init(&iter, directory->groups);
	for (gpointer group; (group = pmap_iter_next(&iter));)
		g_ptr_array_add(groups, group);
	g_ptr_array_sort(groups, compare_groups);
	return groups;
}

json_t *group_list_describe(const struct directory *directory,
			    json_t *(*describe)(const struct directory_group *group, int members))
{
	g_autoptr(GHashTable) counts = group_list_count_members(directory);
	g_autoptr(GPtrArray) groups = groups_by_name(directory);
	json_t *list = json_array();
	for (guint i = 0; i < groups->len; i++) {
		const struct directory_group *group = groups->pdata[i];
		int members = GPOINTER_TO_INT(g_hash_table_lookup(counts, group->row->id));
		json_array_append_new(list, describe(group, members));
	}
	return list;
}

json_t *group_list_membership(const struct membership *row)
{
	return json_pack("{ss ss sb ss ss so so}", "group_id", row->group_id, "group_name",
			 row->group_name, "is_system", row->is_system, "origin",
			 group_origin(row->group_name, row->is_system, row->group_created_by),
			 "source", row->source, "added_at", wire_time_spaced(row->added_at),
			 "added_by", wire_text(row->added_by));
}
