/* The folder of the snapshots. */
#include "cli/workspace/snapshots.h"

#include "base/beneath.h"
#include "base/error.h"
#include "base/files.h"
#include "extract/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIDECAR_ENDING ".meta.json"
#define DATA_ENDING    ".parquet"

enum { SIDECAR_LIMIT = 1024 * 1024, MOST_SNAPSHOTS = 100 * 1000, FILE_MODE = 0600 };

bool snapshot_name_is_valid(const char *name)
{
	return name_is_strict(name);
}

int snapshots_lock(const struct workspace *workspace, GError **error)
{
	AUTO_FD folder = workspace_make_folder(workspace, WORKSPACE_SNAPSHOTS, error);
	if (folder < 0)
		return -1;
	AUTO_FD fd = openat(folder, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0) {
		agnes_set_errno(error, errno, "cannot write in %s/" WORKSPACE_SNAPSHOTS,
				workspace_root(workspace));
		return -1;
	}
	while (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		agnes_set_errno(error, errno, "cannot lock " WORKSPACE_SNAPSHOTS);
		return -1;
	}
	return descriptor_steal(&fd);
}

static bool is_text_or_null(const json_t *value)
{
	return json_is_string(value) || json_is_null(value);
}

static bool is_list_or_null(const json_t *value)
{
	return json_is_array(value) || json_is_null(value);
}

/* Whether it has the twelve members and nothing else. */
static bool is_sidecar(const json_t *value)
{
	static const char *const texts[] = {"name", "table_id", "fetched_at", "effective_as_of",
					    "result_hash_md5"};
	static const char *const numbers[] = {"rows", "bytes_local",
					      "estimated_scan_bytes_at_fetch"};
	const json_t *limit = json_object_get(value, "limit");
	bool fine = json_object_size(value) == 12 &&
		    (json_is_integer(limit) || json_is_null(limit));
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		fine = fine && json_is_string(json_object_get(value, texts[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		fine = fine && json_is_integer(json_object_get(value, numbers[i]));
	return fine && is_text_or_null(json_object_get(value, "where")) &&
	       is_list_or_null(json_object_get(value, "select")) &&
	       is_list_or_null(json_object_get(value, "order_by"));
}

json_t *snapshot_read(const struct workspace *workspace, const char *name, GError **error)
{
	size_t size;
	g_autofree char *path = g_strconcat(WORKSPACE_SNAPSHOTS "/", name, SIDECAR_ENDING, NULL);
	g_autofree char *text = workspace_read(workspace, path, SIDECAR_LIMIT, &size, error);
	if (!text)
		return NULL;
	g_autoptr(json_t) value = json_parse(text, size, path, NULL);
	if (value && is_sidecar(value))
		return g_steal_pointer(&value);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
		    "%s/%s does not describe a snapshot; fetch it again with --force",
		    workspace_root(workspace), path);
	return NULL;
}

static void unref_json(void *value)
{
	json_decref(value);
}

static int compare_names(const void *left, const void *right)
{
	const json_t *one = *(const json_t *const *)left, *other = *(const json_t *const *)right;
	return strcmp(json_string_value(json_object_get(one, "name")),
		      json_string_value(json_object_get(other, "name")));
}

/* The name in the sidecar decides nothing: it must be that of the file. */
static void add_snapshot(GPtrArray *list, const struct workspace *workspace, const char *file)
{
	if (!g_str_has_suffix(file, SIDECAR_ENDING) || list->len >= MOST_SNAPSHOTS)
		return;
	g_autofree char *name = g_strndup(file, strlen(file) - strlen(SIDECAR_ENDING));
	g_autoptr(json_t) sidecar = snapshot_name_is_valid(name)
					    ? snapshot_read(workspace, name, NULL)
					    : NULL;
	const char *said = json_string_value(json_object_get(sidecar, "name"));
	if (g_strcmp0(said, name) == 0)
		g_ptr_array_add(list, g_steal_pointer(&sidecar));
}

GPtrArray *snapshots_list(const struct workspace *workspace)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(unref_json);
	int folder = workspace_folder(workspace, WORKSPACE_SNAPSHOTS, NULL);
	DIR *entries = folder < 0 ? NULL : fdopendir(folder);
	const struct dirent *entry;
	if (!entries) {
		descriptor_close(&folder);
		return list;
	}
	while ((entry = readdir(entries)))
		add_snapshot(list, workspace, entry->d_name);
	closedir(entries);
	g_ptr_array_sort(list, compare_names);
	return list;
}

/* The size, and the MD5 of how the file begins. */
static bool measure(int fd, json_t *sidecar, GError **error)
{
	struct stat status;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_MD5);
	g_autofree guint8 *start = g_malloc(SNAPSHOT_HASHED_BYTES);
	if (fstat(fd, &status) < 0) {
		agnes_set_errno(error, errno, "cannot look at the snapshot");
		return false;
	}
	off_t wanted = MIN(status.st_size, SNAPSHOT_HASHED_BYTES);
	for (off_t at = 0; at < wanted;) {
		ssize_t got = pread(fd, start, (size_t)(wanted - at), at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			agnes_set_errno(error, got < 0 ? errno : EIO, "cannot read the snapshot");
			return false;
		}
		g_checksum_update(sum, start, got);
		at += got;
	}
	json_object_set_new(sidecar, "bytes_local", json_integer(status.st_size));
	json_object_set_new(sidecar, "result_hash_md5", json_string(g_checksum_get_string(sum)));
	return true;
}

bool snapshot_install(const struct workspace *workspace, const char *temporary, json_t *sidecar,
		      GError **error)
{
	const char *name = json_string_value(json_object_get(sidecar, "name"));
	g_autofree char *data = g_strconcat(name, DATA_ENDING, NULL);
	g_autofree char *description = g_strconcat(name, SIDECAR_ENDING, NULL);
	AUTO_FD folder = workspace_make_folder(workspace, WORKSPACE_SNAPSHOTS, error);
	AUTO_FD fd = folder < 0 ? -1 : beneath_open_unlinked(folder, temporary, O_RDONLY, error);
	if (fd < 0 || !measure(fd, sidecar, error))
		return false;
	if (fsync(fd) < 0 || renameat(folder, temporary, folder, data) < 0) {
		agnes_set_errno(error, errno, "cannot write %s", data);
		return false;
	}
	char *text = json_dumps(sidecar, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	bool written = files_replace_at(folder, description, text, strlen(text), FILE_MODE, true,
					error);
	free(text);
	return written;
}

bool snapshot_remove(const struct workspace *workspace, const char *name, GError **error)
{
	static const char *const endings[] = {SIDECAR_ENDING, DATA_ENDING};
	AUTO_FD folder = workspace_folder(workspace, WORKSPACE_SNAPSHOTS, error);
	for (size_t i = 0; folder >= 0 && i < G_N_ELEMENTS(endings); i++) {
		g_autofree char *file = g_strconcat(name, endings[i], NULL);
		if (unlinkat(folder, file, 0) < 0 && errno != ENOENT) {
			agnes_set_errno(error, errno, "cannot remove %s", file);
			return false;
		}
	}
	return folder >= 0;
}

bool snapshot_time(const json_t *sidecar, gint64 *seconds)
{
	const char *text = json_string_value(json_object_get(sidecar, "fetched_at"));
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	if (time)
		*seconds = g_date_time_to_unix(time);
	return time != NULL;
}
