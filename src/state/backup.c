/* Making, finding and putting back copies of the state. */
#include "state/backup.h"

#include "base/error.h"
#include "base/files.h"
#include "state/check.h"
#include "state/file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_PREFIX  "system-"
#define NAME_SUFFIX  ".duckdb"
#define PART_SUFFIX  ".part"
#define STAMP_FORMAT "%Y%m%dT%H%M%SZ"
#define STAMP_SHAPE  "ddddddddTddddddZ" /* d: a digit */

static char *backup_folder(const char *data_dir)
{
	return g_build_filename(data_dir, "state", "backups", NULL);
}

static char *stamp_now(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	return g_date_time_format(now, STAMP_FORMAT);
}

static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; text++, shape++) {
		if (*shape == 'd' ? !g_ascii_isdigit(*text) : *text != *shape)
			return false;
	}
	return true;
}

static bool is_backup(const char *name)
{
	return strlen(name) == strlen(NAME_PREFIX STAMP_SHAPE NAME_SUFFIX) &&
	       g_str_has_prefix(name, NAME_PREFIX) && g_str_has_suffix(name, NAME_SUFFIX) &&
	       has_shape(name + strlen(NAME_PREFIX), STAMP_SHAPE);
}

static int newest_first(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

/* Names in the folder, newest first: the stamp sorts by time. Empty when there is no folder. */
static GPtrArray *list_backups(const char *folder)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
	const char *name;
	while (files && (name = g_dir_read_name(files))) {
		if (is_backup(name))
			g_ptr_array_add(names, g_strdup(name));
	}
	g_ptr_array_sort(names, newest_first);
	return names;
}

/* What an interrupted backup left. */
static void remove_parts(const char *folder)
{
	g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
	const char *name;
	while (files && (name = g_dir_read_name(files))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (g_str_has_prefix(name, NAME_PREFIX) && strstr(name, PART_SUFFIX))
			g_unlink(path);
	}
}

static bool remove_old(const char *folder, unsigned keep, GError **error)
{
	g_autoptr(GPtrArray) names = list_backups(folder);
	for (guint i = MAX(keep, 1); i < names->len; i++) {
		g_autofree char *path = g_build_filename(folder, g_ptr_array_index(names, i), NULL);
		if (!files_remove(path, error))
			return false;
	}
	return true;
}

char *backup_create(struct state *state, unsigned keep, GError **error)
{
	g_autofree char *folder = backup_folder(state_data_dir(state));
	g_autofree char *stamp = stamp_now();
	g_autofree char *name = g_strconcat(NAME_PREFIX, stamp, NAME_SUFFIX, NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *part = g_strconcat(path, PART_SUFFIX, NULL);
	if (!files_make_folder(folder, error))
		return NULL;
	remove_parts(folder);
	if (!state_copy(state, part, error) || !state_check_readable(part, error) ||
	    !files_publish(part, path, error)) {
		g_unlink(part);
		g_prefix_error(error, "no backup of the state was made: ");
		return NULL;
	}
	return remove_old(folder, keep, error) ? g_steal_pointer(&path) : NULL;
}

bool backup_exists(const char *data_dir)
{
	g_autofree char *folder = backup_folder(data_dir);
	g_autoptr(GPtrArray) names = list_backups(folder);
	return names->len > 0;
}

/* Microseconds since 1970 of a backup's name. */
static gint64 backup_time(const char *name)
{
	g_autofree char *stamp = g_strndup(name + strlen(NAME_PREFIX), strlen(STAMP_SHAPE));
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(stamp, NULL);
	return time ? g_date_time_to_unix(time) * G_TIME_SPAN_SECOND : 0;
}

bool backup_is_due(const char *data_dir, unsigned hours)
{
	g_autofree char *folder = backup_folder(data_dir);
	g_autoptr(GPtrArray) names = list_backups(folder);
	if (names->len == 0)
		return true;
	gint64 age = g_get_real_time() - backup_time(g_ptr_array_index(names, 0));
	gint64 interval = hours * G_TIME_SPAN_HOUR;
	/* A newest backup from far in the future says that the clock was wrong, not that it is new.
	 */
	return age >= interval || age < -interval;
}

/* NULL without an error when there is none. */
static char *newest_good(const char *folder)
{
	g_autoptr(GPtrArray) names = list_backups(folder);
	for (guint i = 0; i < names->len; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *path = g_build_filename(folder, g_ptr_array_index(names, i), NULL);
		if (state_check_readable(path, &error))
			return g_steal_pointer(&path);
		g_warning("state: the backup %s is not good: %s", path, error->message);
	}
	return NULL;
}

void backup_restored_clear(struct backup_restored *restored)
{
	g_clear_pointer(&restored->from, g_free);
	g_clear_pointer(&restored->aside, g_free);
}

/* A second name for the file, which no other has; NULL on error. */
static char *link_aside(const char *path, GError **error)
{
	g_autofree char *stamp = stamp_now();
	for (unsigned i = 1;; i++) {
		g_autofree char *aside = g_strdup_printf("%s.broken-%s-%u", path, stamp, i);
		if (link(path, aside) == 0)
			return g_steal_pointer(&aside);
		if (errno != EEXIST) {
			agnes_set_errno(error, errno, "cannot keep %s as %s", path, aside);
			return NULL;
		}
	}
}

/* The journal goes first: it must never meet the file that takes the place. */
static bool put_aside(const char *path, char **aside, GError **error)
{
	*aside = link_aside(path, error);
	if (!*aside)
		return false;
	g_autofree char *journal = g_strconcat(path, ".wal", NULL);
	g_autofree char *journal_aside = g_strconcat(*aside, ".wal", NULL);
	if (rename(journal, journal_aside) == 0 || errno == ENOENT)
		return true;
	agnes_set_errno(error, errno, "cannot rename %s to %s", journal, journal_aside);
	return false;
}

static bool replace(const char *path, struct backup_restored *restored, GError **error)
{
	g_autofree char *next = g_strconcat(path, ".restore", NULL);
	if (!files_copy(restored->from, next, error))
		return false;
	bool replaced = (!g_file_test(path, G_FILE_TEST_EXISTS) ||
			 put_aside(path, &restored->aside, error)) &&
			files_publish(next, path, error);
	if (!replaced)
		g_unlink(next);
	return replaced;
}

bool backup_restore(const char *data_dir, struct backup_restored *restored, GError **error)
{
	g_autofree char *path = state_file_path(data_dir);
	g_autofree char *folder = backup_folder(data_dir);
	int lock = -1;
	if (g_file_test(path, G_FILE_TEST_EXISTS)) {
		lock = state_file_lock(path, error);
		if (lock < 0)
			return false;
	}
	bool done = false;
	restored->from = newest_good(folder);
	if (restored->from)
		done = replace(path, restored, error);
	else
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			    "there is no good backup in %s", folder);
	if (lock >= 0)
		close(lock);
	return done;
}
