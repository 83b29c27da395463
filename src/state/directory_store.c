/* Reading the directory from the state, whole or in part, and putting the new picture in place. */
#include "state/directory_private.h"

#include "base/error.h"
#include "base/order.h"
#include "state/group_members.h"
#include "state/session_epochs.h"

#include <string.h>

struct directory_store {
	struct state *state;
	GMutex write_lock; /* held while a picture is made: a reload reads what is committed by then
			    */
	GMutex lock;	   /* held to take or replace the picture */
	struct directory_picture *picture;
	bool stale; /* a reload failed: the next one reads everything */
};

/* --- entries from rows; each takes its row over --- */

static struct directory_user_entry *user_entry_new(struct user *row, GPtrArray *group_ids,
						   bool is_admin, int64_t sessions_from)
{
	struct directory_user_entry *entry = g_new0(struct directory_user_entry, 1);
	g_atomic_ref_count_init(&entry->references);
	g_ptr_array_add(group_ids, NULL);
	entry->public.row = row;
	entry->public.group_ids = (char **)g_ptr_array_free(group_ids, FALSE);
	entry->public.is_admin = is_admin;
	entry->public.sessions_from = sessions_from;
	return entry;
}

/* Takes over the reference to the row and the grants. */
static struct directory_group_entry *group_entry_new(struct directory_group_row *row,
						     struct pmap *grants)
{
	struct directory_group_entry *entry = g_new0(struct directory_group_entry, 1);
	g_atomic_ref_count_init(&entry->references);
	entry->own_row = row;
	entry->public.row = row->row;
	entry->public.grants = entry->own_grants = grants;
	return entry;
}

static struct directory_group_row *group_row_new(struct group *row)
{
	struct directory_group_row *shared = g_new0(struct directory_group_row, 1);
	g_atomic_ref_count_init(&shared->references);
	shared->row = row;
	return shared;
}

/* Hands an entry over to a map. */
static void put(struct pmap **map, const char *key, gpointer entry,
		const struct pmap_values *values)
{
	pmap_set(map, key, entry);
	values->unref(entry);
}

static void put_grant(struct pmap **grants, const struct grant *row)
{
	struct directory_grant_entry *entry = g_new0(struct directory_grant_entry, 1);
	g_atomic_ref_count_init(&entry->references);
	entry->key = directory_grant_key(row->resource_type, row->resource_id);
	entry->id = g_strdup(row->id);
	put(grants, entry->key, entry, &directory_grant_values);
}

/* Unless another grant of the same has come in its place. */
static void remove_grant(struct pmap **grants, const struct grant *row)
{
	g_autofree char *key = directory_grant_key(row->resource_type, row->resource_id);
	const struct directory_grant_entry *entry = pmap_get(*grants, key);
	if (entry && strcmp(entry->id, row->id) == 0)
		pmap_remove(grants, key);
}

static void put_token(struct directory_picture *picture, struct token *row)
{
	struct directory_token_entry *entry = g_new0(struct directory_token_entry, 1);
	g_atomic_ref_count_init(&entry->references);
	entry->row = row;
	put(&picture->own_tokens, row->id, entry, &directory_token_values);
}

static void remove_user(struct directory_picture *picture, const char *id)
{
	const struct directory_user_entry *old = pmap_get(picture->own_users, id);
	if (!old)
		return;
	picture->users_with_password -= old->public.row->password_hash ? 1 : 0;
	pmap_remove(&picture->own_users_by_email, old->public.row->email);
	pmap_remove(&picture->own_users, id);
}

static void put_user(struct directory_picture *picture, struct directory_user_entry *entry)
{
	const struct user *row = entry->public.row;
	picture->users_with_password += row->password_hash ? 1 : 0;
	pmap_set(&picture->own_users_by_email, row->email, entry);
	put(&picture->own_users, row->id, entry, &directory_user_values);
}

/* --- parts from the state --- */

/* Takes the element out of an array that would free it. */
static gpointer take(GPtrArray *records, guint index)
{
	return g_steal_pointer(&records->pdata[index]);
}

static struct directory_user_entry *user_from(struct user *row, const GPtrArray *memberships,
					      int64_t sessions_from)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
	bool is_admin = false;
	for (guint i = 0; memberships && i < memberships->len; i++) {
		const struct membership *membership = memberships->pdata[i];
		g_ptr_array_add(ids, g_strdup(membership->group_id));
		is_admin |= strcmp(membership->group_name, GROUPS_ADMIN) == 0;
	}
	g_ptr_array_sort(ids, order_texts);
	return user_entry_new(row, ids, is_admin, sessions_from);
}

static GHashTable *epochs_by_user(const GPtrArray *epochs)
{
	GHashTable *index = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < epochs->len; i++) {
		struct session_epoch *row = epochs->pdata[i];
		g_hash_table_insert(index, (gpointer)row->user_id, &row->not_before);
	}
	return index;
}

static bool load_users(struct directory_picture *picture, struct state *state, GError **error)
{
	g_autoptr(GPtrArray) users = users_list(state, error);
	g_autoptr(GPtrArray) memberships = users ? group_members_list(state, error) : NULL;
	g_autoptr(GPtrArray) epochs = memberships ? session_epochs_list(state, error) : NULL;
	if (!epochs)
		return false;
	g_autoptr(GHashTable) of_user = group_members_by_user(memberships);
	g_autoptr(GHashTable) ended = epochs_by_user(epochs);
	for (guint i = 0; i < users->len; i++) {
		struct user *row = take(users, i);
		const int64_t *from = g_hash_table_lookup(ended, row->id);
		put_user(picture,
			 user_from(row, g_hash_table_lookup(of_user, row->id), from ? *from : 0));
	}
	return true;
}

static bool load_groups(struct directory_picture *picture, struct state *state, GError **error)
{
	g_autoptr(GPtrArray) groups = groups_list(state, error);
	g_autoptr(GPtrArray) grants = groups ? grants_list(state, NULL, NULL, error) : NULL;
	if (!grants)
		return false;
	for (guint i = 0; i < groups->len; i++) {
		struct group *row = take(groups, i);
		put(&picture->own_groups, row->id,
		    group_entry_new(group_row_new(row), pmap_new(&directory_grant_values)),
		    &directory_group_values);
	}
	for (guint i = 0; i < grants->len; i++) {
		const struct grant *row = grants->pdata[i];
		struct directory_group_entry *group = pmap_get(picture->own_groups, row->group_id);
		if (!group)
			continue;
		/* Nobody else holds the entry yet, so that it may still grow. */
		put_grant(&group->own_grants, row);
		group->public.grants = group->own_grants;
	}
	return true;
}

static bool load_tokens(struct directory_picture *picture, struct state *state, GError **error)
{
	g_autoptr(GPtrArray) tokens = tokens_list(state, NULL, true, error);
	for (guint i = 0; tokens && i < tokens->len; i++)
		put_token(picture, take(tokens, i));
	return tokens != NULL;
}

static bool load_tables(struct directory_picture *picture, struct state *state, GError **error)
{
	g_autoptr(GPtrArray) registered = registry_list(state, error);
	g_autoptr(GPtrArray) synced = registered ? sync_state_list(state, error) : NULL;
	if (!synced)
		return false;
	directory_tables_free(picture->own_tables);
	picture->own_tables = directory_tables_new(g_steal_pointer(&registered),
						   g_steal_pointer(&synced));
	return true;
}

/* --- the store --- */

/* A reload of one part: changes the new picture, or fails. */
struct reload {
	bool (*run)(struct directory_picture *picture, struct state *state,
		    const struct reload *reload, GError **error);
	const char *id;
	const struct grant *grant;
	bool tables; /* rather than access */
};

static void replace(struct directory_store *store, struct directory_picture *picture)
{
	g_mutex_lock(&store->lock);
	struct directory_picture *old = store->picture;
	store->picture = picture;
	g_mutex_unlock(&store->lock);
	if (old)
		directory_free(&old->public);
}

static bool load_all(struct directory_picture *picture, struct state *state,
		     const struct reload *reload, GError **error)
{
	return load_users(picture, state, error) && load_groups(picture, state, error) &&
	       load_tokens(picture, state, error) && load_tables(picture, state, error);
}

static bool apply(struct directory_store *store, const struct reload *wanted, GError **error)
{
	static const struct reload everything = {.run = load_all};
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&store->write_lock);
	bool all = store->stale || wanted->run == load_all;
	const struct reload *reload = all ? &everything : wanted;
	struct directory_picture *picture = directory_picture_new(all ? NULL : store->picture);
	/* A part that cannot be read leaves a picture that is behind the state, which must not
	 * last. */
	store->stale = !reload->run(picture, store->state, reload, error);
	if (store->stale) {
		directory_free(&picture->public);
		return false;
	}
	uint64_t access = store->picture ? store->picture->public.access_version : 0;
	uint64_t tables = store->picture ? store->picture->public.tables_version : 0;
	picture->public.access_version = access + (all || !reload->tables ? 1 : 0);
	picture->public.tables_version = tables + (all || reload->tables ? 1 : 0);
	directory_picture_seal(picture);
	replace(store, picture);
	return true;
}

struct directory_store *directory_store_new(struct state *state, GError **error)
{
	g_autoptr(directory_store) store = g_new0(struct directory_store, 1);
	g_mutex_init(&store->lock);
	g_mutex_init(&store->write_lock);
	store->state = state;
	return directory_reload_all(store, error) ? g_steal_pointer(&store) : NULL;
}

void directory_store_free(struct directory_store *store)
{
	if (!store)
		return;
	if (store->picture)
		directory_free(&store->picture->public);
	g_mutex_clear(&store->lock);
	g_mutex_clear(&store->write_lock);
	g_free(store);
}

const struct directory *directory_store_get(struct directory_store *store)
{
	g_mutex_lock(&store->lock);
	const struct directory *directory = directory_ref(&store->picture->public);
	g_mutex_unlock(&store->lock);
	return directory;
}

/* --- reloads of a part --- */

/* True with *row NULL when there is none: that is no failure of a reload. */
static bool absent_is_fine(gconstpointer row, GError *problem, GError **error)
{
	if (row || g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_clear_error(&problem);
		return true;
	}
	g_propagate_error(error, problem);
	return false;
}

static bool sessions_from(struct state *state, const char *id, int64_t *from, GError **error)
{
	GError *problem = NULL;
	g_autoptr(session_epoch_record) epoch = session_epochs_find(state, id, &problem);
	*from = epoch ? epoch->not_before : 0;
	return absent_is_fine(epoch, problem, error);
}

static bool reload_user(struct directory_picture *picture, struct state *state,
			const struct reload *reload, GError **error)
{
	GError *problem = NULL;
	int64_t from;
	g_autoptr(user_record) row = users_find(state, reload->id, &problem);
	if (!absent_is_fine(row, problem, error))
		return false;
	remove_user(picture, reload->id);
	if (!row)
		return true;
	g_autoptr(GPtrArray) memberships = group_members_of_user(state, reload->id, error);
	if (!memberships || !sessions_from(state, reload->id, &from, error))
		return false;
	put_user(picture, user_from(g_steal_pointer(&row), memberships, from));
	return true;
}

static void drop_users(struct directory_picture *picture)
{
	pmap_free(picture->own_users);
	pmap_free(picture->own_users_by_email);
	picture->own_users = pmap_new(&directory_user_values);
	picture->own_users_by_email = pmap_new(&directory_user_values);
	picture->users_with_password = 0;
}

static bool reload_group(struct directory_picture *picture, struct state *state,
			 const struct reload *reload, GError **error)
{
	GError *problem = NULL;
	g_autoptr(group_record) row = groups_find(state, reload->id, &problem);
	if (!absent_is_fine(row, problem, error))
		return false;
	pmap_remove(&picture->own_groups, reload->id);
	/* Its members change with it, and who is a member stands with the users. */
	drop_users(picture);
	if (!load_users(picture, state, error))
		return false;
	if (!row)
		return true;
	g_autoptr(GPtrArray) grants = grants_list(state, NULL, reload->id, error);
	if (!grants)
		return false;
	struct pmap *own = pmap_new(&directory_grant_values);
	for (guint i = 0; i < grants->len; i++)
		put_grant(&own, grants->pdata[i]);
	struct directory_group_entry *entry = group_entry_new(group_row_new(g_steal_pointer(&row)),
							      own);
	put(&picture->own_groups, entry->public.row->id, entry, &directory_group_values);
	return true;
}

static bool reload_grant(struct directory_picture *picture, struct state *state,
			 const struct reload *reload, GError **error)
{
	GError *problem = NULL;
	const struct directory_group_entry *old = pmap_get(picture->own_groups, reload->id);
	/* By its id, which has an index; what it is for would be searched for in all grants. */
	g_autoptr(grant_record) row = grants_find(state, reload->grant->id, &problem);
	if (!absent_is_fine(row, problem, error))
		return false;
	if (!old)
		return !row || reload_group(picture, state, reload, error);
	struct pmap *grants = pmap_ref(old->own_grants);
	if (row)
		put_grant(&grants, reload->grant);
	else
		remove_grant(&grants, reload->grant);
	struct directory_group_entry *entry = group_entry_new(directory_group_row_ref(old->own_row),
							      grants);
	put(&picture->own_groups, entry->public.row->id, entry, &directory_group_values);
	return true;
}

static bool reload_token(struct directory_picture *picture, struct state *state,
			 const struct reload *reload, GError **error)
{
	GError *problem = NULL;
	g_autoptr(token_record) row = tokens_find(state, reload->id, &problem);
	if (!absent_is_fine(row, problem, error))
		return false;
	pmap_remove(&picture->own_tokens, reload->id);
	if (row)
		put_token(picture, g_steal_pointer(&row));
	return true;
}

static bool reload_tables(struct directory_picture *picture, struct state *state,
			  const struct reload *reload, GError **error)
{
	return load_tables(picture, state, error);
}

bool directory_reload_user(struct directory_store *store, const char *id, GError **error)
{
	return apply(store, &(struct reload){.run = reload_user, .id = id}, error);
}

bool directory_reload_group(struct directory_store *store, const char *id, GError **error)
{
	return apply(store, &(struct reload){.run = reload_group, .id = id}, error);
}

bool directory_reload_grant(struct directory_store *store, const struct grant *grant,
			    GError **error)
{
	return apply(store,
		     &(struct reload){.run = reload_grant, .id = grant->group_id, .grant = grant},
		     error);
}

bool directory_reload_token(struct directory_store *store, const char *id, GError **error)
{
	return apply(store, &(struct reload){.run = reload_token, .id = id}, error);
}

bool directory_reload_tables(struct directory_store *store, GError **error)
{
	return apply(store, &(struct reload){.run = reload_tables, .tables = true}, error);
}

bool directory_mend(struct directory_store *store, GError **error)
{
	g_mutex_lock(&store->write_lock);
	bool stale = store->stale;
	g_mutex_unlock(&store->write_lock);
	return !stale || directory_reload_all(store, error);
}

bool directory_reload_all(struct directory_store *store, GError **error)
{
	return apply(store, &(struct reload){.run = load_all}, error);
}
