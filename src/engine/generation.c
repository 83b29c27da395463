/* Directories of hard links, shared by all who may read the same tables. */
#include "engine/generation.h"

#include "base/error.h"
#include "base/files.h"
#include "base/order.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct generations {
	char *root;
	int lock_fd; /* an flock: one process owns the store */
	GMutex lock;
	GHashTable *live; /* "<edition>/<set>" → struct generation, also those nobody reads now */
	uint64_t oldest;  /* the first edition that is not outdated */
};

struct generation {
	struct generations *store;
	struct edition *edition;
	char *key;
	char *folder;
	guint references; /* under the store's lock; at 0 it waits to be used again */
};

static void remove_folder(const char *folder)
{
	g_autoptr(GError) error = NULL;
	if (!files_remove_tree(folder, &error))
		g_warning("%s", error->message);
	/* The folder of the edition goes with its last set. */
	g_autofree char *parent = g_path_get_dirname(folder);
	if (rmdir(parent) < 0 && errno != ENOTEMPTY && errno != ENOENT)
		g_warning("cannot remove %s: %s", parent, g_strerror(errno));
}

static void generation_destroy(struct generation *generation)
{
	remove_folder(generation->folder);
	edition_free(generation->edition);
	g_free(generation->key);
	g_free(generation->folder);
	g_free(generation);
}

static bool take_store(struct generations *store, GError **error)
{
	g_autofree char *path = g_build_filename(store->root, ".lock", NULL);
	store->lock_fd = files_lock(path, 0, error);
	if (store->lock_fd < 0)
		g_prefix_error(error, "is another server running on this data? ");
	return store->lock_fd >= 0;
}

static bool empty_store(struct generations *store, GError **error)
{
	g_autoptr(GDir) listing = g_dir_open(store->root, 0, error);
	if (!listing)
		return false;
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *path = g_build_filename(store->root, name, NULL);
		if (strcmp(name, ".lock") != 0 && !files_remove_tree(path, error))
			return false;
	}
	return true;
}

struct generations *generations_new(const char *data_dir, GError **error)
{
	g_autoptr(generations) store = g_new0(struct generations, 1);
	g_autofree char *root = g_canonicalize_filename(data_dir, NULL);
	store->root = g_build_filename(root, "generations", NULL);
	store->lock_fd = -1;
	store->live = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					    (GDestroyNotify)generation_destroy);
	g_mutex_init(&store->lock);
	if (!files_make_folder(store->root, error) || !take_store(store, error) ||
	    !empty_store(store, error))
		return NULL;
	return g_steal_pointer(&store);
}

void generations_free(struct generations *store)
{
	if (!store)
		return;
	g_hash_table_unref(store->live);
	descriptor_close(&store->lock_fd);
	g_mutex_clear(&store->lock);
	g_free(store->root);
	g_free(store);
}

/* The tables that there will be links for, each once, in an order that does not matter to anyone.
 */
static GPtrArray *choose_tables(const struct edition *edition, const char *const *names)
{
	GPtrArray *chosen = g_ptr_array_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	for (; *names; names++) {
		const struct edition_table *entry = edition_find(edition, *names);
		if (entry && entry->table->file && g_hash_table_add(seen, (void *)entry->table))
			g_ptr_array_add(chosen, (void *)entry->table->name);
	}
	g_ptr_array_sort(chosen, order_texts);
	return chosen;
}

static char *key_of(const struct edition *edition, const GPtrArray *chosen)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	for (guint i = 0; i < chosen->len; i++) {
		g_checksum_update(sum, g_ptr_array_index(chosen, i), -1);
		g_checksum_update(sum, (const guchar *)"\n", 1);
	}
	return g_strdup_printf("%" G_GUINT64_FORMAT "/%s", (guint64)edition->number,
			       g_checksum_get_string(sum));
}

static bool link_table(const struct edition *edition, const char *name, const char *folder,
		       GError **error)
{
	const struct published_table *table = edition_find(edition, name)->table;
	g_autofree char *file = g_strconcat(table->name, ".parquet", NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL);
	if (link(table->file, path) == 0)
		return true;
	if (errno == ENOENT)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_CONFLICT,
			    "table '%s' was published anew meanwhile", name);
	else
		agnes_set_errno(error, errno, "cannot link %s to %s", table->file, path);
	return false;
}

/* Made under the store's lock, so that nobody sees it before it is complete. */
static struct generation *make_generation(struct generations *store, struct edition *edition,
					  const GPtrArray *chosen, const char *key, GError **error)
{
	g_autofree char *folder = g_build_filename(store->root, key, NULL);
	if (!files_make_folder(folder, error))
		return NULL;
	for (guint i = 0; i < chosen->len; i++) {
		if (!link_table(edition, g_ptr_array_index(chosen, i), folder, error)) {
			remove_folder(folder);
			return NULL;
		}
	}
	struct generation *generation = g_new0(struct generation, 1);
	generation->store = store;
	generation->edition = edition_ref(edition);
	generation->key = g_strdup(key);
	generation->folder = g_steal_pointer(&folder);
	g_hash_table_replace(store->live, generation->key, generation);
	return generation;
}

struct generation *generations_open(struct generations *store, struct edition *edition,
				    const char *const *tables, GError **error)
{
	g_autoptr(GPtrArray) chosen = choose_tables(edition, tables);
	g_autofree char *key = key_of(edition, chosen);
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&store->lock);
	struct generation *generation = g_hash_table_lookup(store->live, key);
	if (!generation)
		generation = make_generation(store, edition, chosen, key, error);
	if (generation)
		generation->references++;
	return generation;
}

const char *generation_folder(const struct generation *generation)
{
	return generation->folder;
}

struct edition *generation_edition(const struct generation *generation)
{
	return generation->edition;
}

struct generation *generation_ref(struct generation *generation)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&generation->store->lock);
	generation->references++;
	return generation;
}

static bool is_unused(const struct generation *generation)
{
	return generation->references == 0 &&
	       generation->edition->number < generation->store->oldest;
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	struct generations *store = generation->store;
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&store->lock);
	generation->references--;
	if (is_unused(generation))
		g_hash_table_remove(store->live, generation->key);
}

static gboolean remove_unused(gpointer key, gpointer value, gpointer data)
{
	return is_unused(value);
}

void generations_retire(struct generations *store, uint64_t number)
{
	g_autoptr(GMutexLocker) lock = g_mutex_locker_new(&store->lock);
	store->oldest = MAX(store->oldest, number);
	g_hash_table_foreach_remove(store->live, remove_unused, NULL);
}
