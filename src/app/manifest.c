/* Making and keeping manifests. */
#include "app/manifest.h"

#include "app/manifest_assets.h"
#include "app/wire.h"
#include "base/json.h"
#include "duck/query.h"

#include <string.h>

enum { MOST_KEPT = 256 }; /* manifests; beyond that all are made anew */

/* One manifest as it is kept: everything but the time at the end. */
struct kept {
	char *prefix;
	char *etag;
	GBytes *body; /* with the time of `second` */
	int64_t second;
};

struct manifests {
	struct manifest_assets *looked_at;
	GMutex lock;	  /* for what follows */
	GHashTable *kept; /* groups → struct kept */
	uint64_t access_version, tables_version, edition;
	json_t *assets;
};

static void kept_free(gpointer data)
{
	struct kept *kept = data;
	g_free(kept->prefix);
	g_free(kept->etag);
	g_clear_pointer(&kept->body, g_bytes_unref);
	g_free(kept);
}

struct manifests *manifests_new(const char *data_dir)
{
	struct manifests *manifests = g_new0(struct manifests, 1);
	g_mutex_init(&manifests->lock);
	manifests->looked_at = manifest_assets_new(data_dir);
	manifests->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, kept_free);
	manifests->assets = manifest_assets_get(manifests->looked_at);
	return manifests;
}

void manifests_free(struct manifests *manifests)
{
	if (!manifests)
		return;
	g_hash_table_unref(manifests->kept);
	json_decref(manifests->assets);
	g_mutex_clear(&manifests->lock);
	manifest_assets_free(manifests->looked_at);
	g_free(manifests);
}

void manifest_clear(struct manifest *manifest)
{
	g_clear_pointer(&manifest->body, g_bytes_unref);
	g_clear_pointer(&manifest->etag, g_free);
}

/* --- tables --- */

static const char *text_or(const char *text, const char *otherwise)
{
	return text && *text ? text : otherwise;
}

static json_int_t count_or_zero(int64_t count)
{
	return count == RECORD_NO_INT ? 0 : count;
}

/* Older versions stored something else in place of the MD5: then the client must not compare it. */
static const char *true_hash(const char *hash)
{
	bool fits = hash && strlen(hash) == 32 && strspn(hash, "0123456789abcdef") == 32;
	return fits ? hash : "";
}

/* What is published counts, because it is what a download gives. */
static json_t *describe(const struct directory_table *table, const struct edition *edition)
{
	const struct sync_state *synced = table->synced;
	const struct registered_table *registered = table->registered;
	const struct edition_table *published = edition_find(edition, table->name);
	const struct published_table *file = published && published->table->file ? published->table
										 : NULL;
	return json_pack(
		"{ss so sI sI ss ss}", "hash", file ? file->md5 : true_hash(synced->hash),
		"updated", wire_time(synced->last_sync), "size_bytes",
		file ? (json_int_t)file->size_bytes : count_or_zero(synced->file_size_bytes),
		"rows", file ? (json_int_t)file->rows : count_or_zero(synced->rows), "query_mode",
		text_or(registered ? registered->query_mode : NULL, "local"), "source_type",
		registered && registered->source_type ? registered->source_type : "");
}

static json_t *describe_tables(const struct directory *directory, const struct directory_user *user,
			       const struct edition *edition)
{
	json_t *tables = json_object();
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct directory_table *table = directory->tables[i];
		if (table->synced && directory_may_read(directory, user, table))
			json_object_set_new(tables, table->name, describe(table, edition));
	}
	return tables;
}

/* --- keeping them --- */

/* Users with the same groups may read the same. */
static char *key_of(const struct directory_user *user)
{
	return user->is_admin ? g_strdup("*") : g_strjoinv("\n", user->group_ids);
}

static struct kept *make(const struct manifests *manifests, const struct directory *directory,
			 const struct directory_user *user, const struct edition *edition)
{
	struct kept *kept = g_new0(struct kept, 1);
	g_autoptr(json_t)
		content = json_pack("{so sO}", "tables", describe_tables(directory, user, edition),
				    "assets", manifests->assets);
	kept->prefix = json_to_text(content);
	kept->etag = g_compute_checksum_for_string(G_CHECKSUM_MD5, kept->prefix, -1);
	kept->prefix[strlen(kept->prefix) - 1] = '\0'; /* the closing brace: a member follows */
	return kept;
}

/* With the lock held: drops what is kept when any of what it was made from has changed. */
static void freshen(struct manifests *manifests, const struct directory *directory,
		    const struct edition *edition)
{
	json_t *assets = manifest_assets_get(manifests->looked_at);
	bool stale = manifests->access_version != directory->access_version ||
		     manifests->tables_version != directory->tables_version ||
		     manifests->edition != edition->number || manifests->assets != assets ||
		     g_hash_table_size(manifests->kept) >= MOST_KEPT;
	json_decref(manifests->assets);
	manifests->assets = assets;
	if (!stale)
		return;
	g_hash_table_remove_all(manifests->kept);
	manifests->access_version = directory->access_version;
	manifests->tables_version = directory->tables_version;
	manifests->edition = edition->number;
}

static void stamp(struct kept *kept)
{
	int64_t second = g_get_real_time() / G_USEC_PER_SEC;
	if (kept->body && kept->second == second)
		return;
	g_autoptr(json_t) time = wire_time_offset(second * G_USEC_PER_SEC);
	char *body = g_strdup_printf("%s,\"server_time\":\"%s\"}", kept->prefix,
				     json_string_value(time));
	g_clear_pointer(&kept->body, g_bytes_unref);
	kept->body = g_bytes_new_take(body, strlen(body));
	kept->second = second;
}

void manifests_get(struct manifests *manifests, const struct directory *directory,
		   const struct directory_user *user, const struct edition *edition,
		   struct manifest *manifest)
{
	g_autofree char *key = key_of(user);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&manifests->lock);
	freshen(manifests, directory, edition);
	struct kept *kept = g_hash_table_lookup(manifests->kept, key);
	if (!kept) {
		kept = make(manifests, directory, user, edition);
		g_hash_table_insert(manifests->kept, g_steal_pointer(&key), kept);
	}
	stamp(kept);
	manifest->body = g_bytes_ref(kept->body);
	manifest->etag = g_strdup(kept->etag);
}
