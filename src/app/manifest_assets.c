/* The regular look at the assets. */
#include "app/manifest_assets.h"

#include "base/hash.h"

#include <glib.h>
#include <sys/stat.h>

enum {
	LOOK_SECONDS = 10,
	MOST_DOCS = 10 * 1000,		  /* files of docs/ that are looked at */
	LARGEST_FILE = 256 * 1024 * 1024, /* a larger one is left out */
};

/* A file that was hashed, which need not be done again while it looks the same. */
struct hashed {
	char *path;
	struct stat status;
	char *hash; /* NULL: there was none that could be hashed */
};

struct manifest_assets {
	char *docs;
	GMutex looking; /* for the two that follow */
	struct hashed docs_file, profiles;
	GThread *thread;
	GMutex lock; /* for what follows */
	GCond stop;
	bool stopping;
	json_t *found;
};

static bool looks_the_same(const struct stat *left, const struct stat *right)
{
	return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
	       left->st_size == right->st_size && left->st_mtim.tv_sec == right->st_mtim.tv_sec &&
	       left->st_mtim.tv_nsec == right->st_mtim.tv_nsec &&
	       left->st_ctim.tv_sec == right->st_ctim.tv_sec &&
	       left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

static const char *hash_of(struct hashed *file)
{
	struct stat status = {0};
	bool fits = stat(file->path, &status) == 0 && S_ISREG(status.st_mode) &&
		    status.st_size <= LARGEST_FILE;
	if (fits && file->hash && looks_the_same(&status, &file->status))
		return file->hash;
	g_clear_pointer(&file->hash, g_free);
	file->status = status;
	file->hash = fits ? hash_file(file->path, NULL) : NULL;
	return file->hash;
}

/* The newest modification below a folder, in seconds. */
static int64_t newest_below(const char *folder, int *left)
{
	int64_t newest = 0;
	const char *name;
	g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
	while (entries && (name = g_dir_read_name(entries)) && (*left)-- > 0) {
		struct stat status;
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (lstat(path, &status) < 0)
			continue;
		if (S_ISREG(status.st_mode))
			newest = MAX(newest, (int64_t)status.st_mtim.tv_sec);
		else if (S_ISDIR(status.st_mode))
			newest = MAX(newest, newest_below(path, left));
	}
	return newest;
}

static void add(json_t *found, const char *name, const char *hash)
{
	if (hash)
		json_object_set_new(found, name, json_pack("{ss}", "hash", hash));
}

void manifest_assets_look(struct manifest_assets *assets)
{
	int left = MOST_DOCS;
	g_autofree char *docs_time = NULL;
	json_t *found = json_object();
	g_mutex_lock(&assets->looking);
	if (g_file_test(assets->docs, G_FILE_TEST_IS_DIR))
		docs_time = g_strdup_printf("%" G_GINT64_FORMAT, newest_below(assets->docs, &left));
	add(found, "docs", docs_time ? docs_time : hash_of(&assets->docs_file));
	add(found, "profiles", hash_of(&assets->profiles));
	g_mutex_lock(&assets->lock);
	if (!json_equal(found, assets->found)) {
		json_decref(assets->found);
		assets->found = json_incref(found);
	}
	g_mutex_unlock(&assets->lock);
	g_mutex_unlock(&assets->looking);
	json_decref(found);
}

static gpointer look_loop(gpointer data)
{
	struct manifest_assets *assets = data;
	g_mutex_lock(&assets->lock);
	while (!assets->stopping) {
		gint64 next = g_get_monotonic_time() + LOOK_SECONDS * G_TIME_SPAN_SECOND;
		if (g_cond_wait_until(&assets->stop, &assets->lock, next))
			continue;
		g_mutex_unlock(&assets->lock);
		manifest_assets_look(assets);
		g_mutex_lock(&assets->lock);
	}
	g_mutex_unlock(&assets->lock);
	return NULL;
}

struct manifest_assets *manifest_assets_new(const char *data_dir)
{
	struct manifest_assets *assets = g_new0(struct manifest_assets, 1);
	g_mutex_init(&assets->looking);
	g_mutex_init(&assets->lock);
	g_cond_init(&assets->stop);
	assets->docs = g_build_filename(data_dir, "docs", NULL);
	assets->docs_file.path = g_strdup(assets->docs);
	assets->profiles.path = g_build_filename(data_dir, "src_data", "metadata", "profiles.json",
						 NULL);
	assets->found = json_object();
	manifest_assets_look(assets);
	assets->thread = g_thread_new("assets", look_loop, assets);
	return assets;
}

static void hashed_clear(struct hashed *file)
{
	g_free(file->path);
	g_free(file->hash);
}

void manifest_assets_free(struct manifest_assets *assets)
{
	if (!assets)
		return;
	g_mutex_lock(&assets->lock);
	assets->stopping = true;
	g_cond_broadcast(&assets->stop);
	g_mutex_unlock(&assets->lock);
	g_thread_join(assets->thread);
	json_decref(assets->found);
	hashed_clear(&assets->docs_file);
	hashed_clear(&assets->profiles);
	g_free(assets->docs);
	g_mutex_clear(&assets->looking);
	g_mutex_clear(&assets->lock);
	g_cond_clear(&assets->stop);
	g_free(assets);
}

json_t *manifest_assets_get(struct manifest_assets *assets)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&assets->lock);
	return json_incref(assets->found);
}
