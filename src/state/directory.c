/* One picture of the directory: how it is held together and asked. */
#include "state/directory_private.h"

#include <string.h>

static gpointer user_ref(gpointer data)
{
	g_atomic_ref_count_inc(&((struct directory_user_entry *)data)->references);
	return data;
}

static void user_unref(gpointer data)
{
	struct directory_user_entry *entry = data;
	if (!g_atomic_ref_count_dec(&entry->references))
		return;
	record_free((void *)entry->public.row);
	g_strfreev(entry->public.group_ids);
	g_free(entry);
}

struct directory_group_row *directory_group_row_ref(struct directory_group_row *row)
{
	g_atomic_ref_count_inc(&row->references);
	return row;
}

static void group_row_unref(struct directory_group_row *row)
{
	if (!g_atomic_ref_count_dec(&row->references))
		return;
	record_free(row->row);
	g_free(row);
}

static gpointer group_ref(gpointer data)
{
	g_atomic_ref_count_inc(&((struct directory_group_entry *)data)->references);
	return data;
}

static void group_unref(gpointer data)
{
	struct directory_group_entry *entry = data;
	if (!g_atomic_ref_count_dec(&entry->references))
		return;
	group_row_unref(entry->own_row);
	pmap_free(entry->own_grants);
	g_free(entry);
}

static gpointer token_ref(gpointer data)
{
	g_atomic_ref_count_inc(&((struct directory_token_entry *)data)->references);
	return data;
}

static void token_unref(gpointer data)
{
	struct directory_token_entry *entry = data;
	if (!g_atomic_ref_count_dec(&entry->references))
		return;
	record_free(entry->row);
	g_free(entry);
}

static gpointer grant_ref(gpointer data)
{
	g_atomic_ref_count_inc(&((struct directory_grant_entry *)data)->references);
	return data;
}

static void grant_unref(gpointer data)
{
	struct directory_grant_entry *entry = data;
	if (!g_atomic_ref_count_dec(&entry->references))
		return;
	g_free(entry->key);
	g_free(entry->id);
	g_free(entry);
}

const struct pmap_values directory_user_values = {user_ref, user_unref};
const struct pmap_values directory_group_values = {group_ref, group_unref};
const struct pmap_values directory_token_values = {token_ref, token_unref};
const struct pmap_values directory_grant_values = {grant_ref, grant_unref};

char *directory_grant_key(const char *type, const char *resource)
{
	/* Types are words of ours: the first newline ends them, whatever the id holds. */
	return g_strconcat(type, "\n", resource, NULL);
}

/* --- tables --- */

static int compare_tables(const void *left, const void *right)
{
	const struct directory_table *first = left, *second = right;
	return strcmp(first->name, second->name);
}

/* The rows of `synced` by name. */
static GHashTable *index_synced(const GPtrArray *synced)
{
	GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < synced->len; i++) {
		const struct sync_state *row = synced->pdata[i];
		g_hash_table_insert(index, (gpointer)row->table_id, (gpointer)row);
	}
	return index;
}

static void add_table(struct directory_tables *tables, const struct directory_table *table)
{
	tables->rows[tables->count++] = *table;
}

static void collect_tables(struct directory_tables *tables)
{
	g_autoptr(GHashTable) synced = index_synced(tables->synced);
	g_autoptr(GHashTable) named = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < tables->registered->len; i++) {
		const struct registered_table *row = tables->registered->pdata[i];
		add_table(tables, &(struct directory_table){
					  .id = row->id,
					  .name = row->name,
					  .registered = row,
					  .synced = g_hash_table_lookup(synced, row->name)});
		g_hash_table_add(named, (gpointer)row->name);
	}
	for (guint i = 0; i < tables->synced->len; i++) {
		const struct sync_state *row = tables->synced->pdata[i];
		if (!g_hash_table_contains(named, row->table_id))
			add_table(tables, &(struct directory_table){.id = row->table_id,
								    .name = row->table_id,
								    .synced = row});
	}
}

static void index_tables(struct directory_tables *tables)
{
	tables->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	tables->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	tables->sorted = g_new(const struct directory_table *, tables->count + 1);
	for (size_t i = 0; i < tables->count; i++) {
		struct directory_table *table = &tables->rows[i];
		tables->sorted[i] = table;
		/* A file's own name may be the id of a table that is called otherwise. */
		if (table->registered || !g_hash_table_contains(tables->by_id, table->id))
			g_hash_table_insert(tables->by_id, (gpointer)table->id, table);
		g_hash_table_insert(tables->by_name, g_ascii_strdown(table->name, -1), table);
	}
}

struct directory_tables *directory_tables_new(GPtrArray *registered, GPtrArray *synced)
{
	struct directory_tables *tables = g_new0(struct directory_tables, 1);
	g_atomic_ref_count_init(&tables->references);
	tables->registered = registered;
	tables->synced = synced;
	tables->rows = g_new0(struct directory_table, registered->len + synced->len + 1);
	collect_tables(tables);
	qsort(tables->rows, tables->count, sizeof tables->rows[0], compare_tables);
	index_tables(tables);
	return tables;
}

struct directory_tables *directory_tables_ref(struct directory_tables *tables)
{
	g_atomic_ref_count_inc(&tables->references);
	return tables;
}

void directory_tables_free(struct directory_tables *tables)
{
	if (!tables || !g_atomic_ref_count_dec(&tables->references))
		return;
	g_hash_table_unref(tables->by_id);
	g_hash_table_unref(tables->by_name);
	g_free(tables->sorted);
	g_free(tables->rows);
	g_ptr_array_unref(tables->registered);
	g_ptr_array_unref(tables->synced);
	g_free(tables);
}

/* --- the picture --- */

struct directory_picture *directory_picture_new(const struct directory_picture *from)
{
	struct directory_picture *picture = g_new0(struct directory_picture, 1);
	g_atomic_ref_count_init(&picture->references);
	if (from) {
		picture->public = from->public;
		picture->own_users = pmap_ref(from->own_users);
		picture->own_users_by_email = pmap_ref(from->own_users_by_email);
		picture->own_groups = pmap_ref(from->own_groups);
		picture->own_tokens = pmap_ref(from->own_tokens);
		picture->own_tables = directory_tables_ref(from->own_tables);
		picture->users_with_password = from->users_with_password;
		return picture;
	}
	picture->own_users = pmap_new(&directory_user_values);
	picture->own_users_by_email = pmap_new(&directory_user_values);
	picture->own_groups = pmap_new(&directory_group_values);
	picture->own_tokens = pmap_new(&directory_token_values);
	return picture;
}

void directory_picture_seal(struct directory_picture *picture)
{
	picture->public.users = picture->own_users;
	picture->public.users_by_email = picture->own_users_by_email;
	picture->public.groups = picture->own_groups;
	picture->public.tokens = picture->own_tokens;
	picture->public.tables = picture->own_tables->sorted;
	picture->public.table_count = picture->own_tables->count;
	picture->public.has_password = picture->users_with_password > 0;
}

/* The public part stands first, so that a pointer to it is one to the whole. */
static struct directory_picture *whole(const struct directory *directory)
{
	return (struct directory_picture *)directory;
}

const struct directory *directory_ref(const struct directory *directory)
{
	g_atomic_ref_count_inc(&whole(directory)->references);
	return directory;
}

void directory_free(const struct directory *directory)
{
	if (!directory || !g_atomic_ref_count_dec(&whole(directory)->references))
		return;
	struct directory_picture *picture = whole(directory);
	pmap_free(picture->own_users);
	pmap_free(picture->own_users_by_email);
	pmap_free(picture->own_groups);
	pmap_free(picture->own_tokens);
	directory_tables_free(picture->own_tables);
	g_free(picture);
}

const struct directory_user *directory_user(const struct directory *directory, const char *id)
{
	const struct directory_user_entry *entry = pmap_get(directory->users, id);
	return entry ? &entry->public : NULL;
}

const struct directory_user *directory_user_by_email(const struct directory *directory,
						     const char *email)
{
	const struct directory_user_entry *entry = pmap_get(directory->users_by_email, email);
	return entry ? &entry->public : NULL;
}

const struct directory_group *directory_group(const struct directory *directory, const char *id)
{
	const struct directory_group_entry *entry = pmap_get(directory->groups, id);
	return entry ? &entry->public : NULL;
}

const struct token *directory_token_of(gconstpointer entry)
{
	return ((const struct directory_token_entry *)entry)->row;
}

const struct token *directory_token(const struct directory *directory, const char *id)
{
	gconstpointer entry = pmap_get(directory->tokens, id);
	return entry ? directory_token_of(entry) : NULL;
}

static const struct directory_table *by_name(const struct directory *directory, const char *name)
{
	g_autofree char *folded = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(whole(directory)->own_tables->by_name, folded);
}

static const struct directory_table *by_id(const struct directory *directory, const char *id)
{
	return g_hash_table_lookup(whole(directory)->own_tables->by_id, id);
}

const struct directory_table *directory_table(const struct directory *directory, const char *id)
{
	const struct directory_table *table = by_id(directory, id);
	return table ? table : by_name(directory, id);
}

const struct directory_table *directory_table_named(const struct directory *directory,
						    const char *name)
{
	const struct directory_table *table = by_name(directory, name);
	return table ? table : by_id(directory, name);
}

bool directory_granted(const struct directory_group *group, const char *type, const char *resource)
{
	g_autofree char *key = directory_grant_key(type, resource);
	return pmap_get(group->grants, key) != NULL;
}

bool directory_may(const struct directory *directory, const struct directory_user *user,
		   const char *type, const char *resource)
{
	if (user->is_admin)
		return true;
	g_autofree char *key = directory_grant_key(type, resource);
	for (char **id = user->group_ids; *id; id++) {
		const struct directory_group *group = directory_group(directory, *id);
		if (group && pmap_get(group->grants, key))
			return true;
	}
	return false;
}

bool directory_may_read(const struct directory *directory, const struct directory_user *user,
			const struct directory_table *table)
{
	return directory_may(directory, user, GRANTS_TABLE, table->id);
}
