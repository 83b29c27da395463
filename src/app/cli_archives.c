/* Looking for archives of the client, and hashing each once. */
#include "app/cli_archives.h"

#include "base/resources.h"
#include "base/version.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MOST_FILES = 1000,
	LONGEST_NAME = 200,
	READ_STEP = 64 * 1024,
};

#define WORD "[A-Za-z0-9._+]"

struct cli_archives {
	char *folder;
	GRegex *pattern;
	GMutex lock;
	GHashTable *hashes; /* path, size and time → SHA-256 */
};

struct cli_archives *cli_archives_new(void)
{
	struct cli_archives *archives = g_new0(struct cli_archives, 1);
	archives->folder = resources_folder("AGNES_CLI_DIST_DIR", "cli");
	archives->pattern = g_regex_new("\\Ada-(" WORD "[A-Za-z0-9._+-]*)-linux-([a-z0-9_]+)"
					"\\.tar\\.gz\\z",
					G_REGEX_OPTIMIZE, 0, NULL);
	archives->hashes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_mutex_init(&archives->lock);
	return archives;
}

void cli_archives_free(struct cli_archives *archives)
{
	if (!archives)
		return;
	g_regex_unref(archives->pattern);
	g_hash_table_unref(archives->hashes);
	g_mutex_clear(&archives->lock);
	g_free(archives->folder);
	g_free(archives);
}

static void archive_free(gpointer data)
{
	struct cli_archive *archive = data;
	g_free(archive->name);
	g_free(archive->version);
	g_free(archive->arch);
	g_free(archive->path);
	g_free(archive->sha256);
	g_free(archive);
}

static struct cli_archive *archive_new(const struct cli_archives *archives, const char *name)
{
	g_autoptr(GMatchInfo) match = NULL;
	if (strlen(name) > LONGEST_NAME || !g_regex_match(archives->pattern, name, 0, &match))
		return NULL;
	struct cli_archive *archive = g_new0(struct cli_archive, 1);
	archive->name = g_strdup(name);
	archive->version = g_match_info_fetch(match, 1);
	archive->arch = g_match_info_fetch(match, 2);
	archive->path = g_build_filename(archives->folder, name, NULL);
	return archive;
}

/* --- hashes --- */

static char *hash_of(int fd)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree guchar *step = g_malloc(READ_STEP);
	ssize_t got;
	while ((got = read(fd, step, READ_STEP)) > 0)
		g_checksum_update(sum, step, got);
	return got == 0 ? g_strdup(g_checksum_get_string(sum)) : NULL;
}

static void add_hash(struct cli_archives *archives, struct cli_archive *archive)
{
	struct stat status;
	AUTO_FD fd = open(archive->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return;
	g_autofree char *key = g_strdup_printf(
		"%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld", archive->name,
		(gint64)status.st_size, (gint64)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&archives->lock);
	const char *known = g_hash_table_lookup(archives->hashes, key);
	archive->sha256 = known ? g_strdup(known) : hash_of(fd);
	if (known || !archive->sha256)
		return;
	if (g_hash_table_size(archives->hashes) >= MOST_FILES)
		g_hash_table_remove_all(archives->hashes);
	g_hash_table_insert(archives->hashes, g_steal_pointer(&key), g_strdup(archive->sha256));
}

/* --- the list --- */

/* Puts the archive in place of an older one for the same architecture, or drops it. */
static void offer(GPtrArray *newest, struct cli_archive *archive)
{
	for (guint i = 0; i < newest->len; i++) {
		struct cli_archive *other = newest->pdata[i];
		if (strcmp(other->arch, archive->arch) != 0)
			continue;
		bool newer = version_compare(archive->version, other->version) > 0;
		newest->pdata[i] = newer ? archive : other;
		archive_free(newer ? other : archive);
		return;
	}
	g_ptr_array_add(newest, archive);
}

static int compare_archs(gconstpointer left, gconstpointer right)
{
	const struct cli_archive *const *first = left, *const *second = right;
	return strcmp((*first)->arch, (*second)->arch);
}

GPtrArray *cli_archives_list(struct cli_archives *archives)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(archive_free);
	g_autoptr(GDir) folder = g_dir_open(archives->folder, 0, NULL);
	const char *name;
	for (int seen = 0; folder && seen < MOST_FILES && (name = g_dir_read_name(folder));
	     seen++) {
		struct cli_archive *archive = archive_new(archives, name);
		if (archive)
			offer(list, archive);
	}
	g_ptr_array_sort(list, compare_archs);
	for (guint i = 0; i < list->len; i++)
		add_hash(archives, list->pdata[i]);
	return list;
}
