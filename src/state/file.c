/* Opening, locking and copying system.duckdb. */
#include "state/file.h"

#include "base/error.h"
#include "base/files.h"
#include "duck/query.h"
#include "state/create.h"
#include "state/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What DuckDB may want beside the rows themselves: some blocks of 256 KiB. */
enum { SPACE_RESERVE = 16 * 256 * 1024 };

char *state_file_path(const char *data_dir)
{
	return g_build_filename(data_dir, "state", "system.duckdb", NULL);
}

void state_file_free(struct state_file *file)
{
	if (!file)
		return;
	duck_database_free(file->database);
	if (file->descriptor >= 0)
		close(file->descriptor);
	g_free(file->path);
	g_free(file);
}

/* Says who has the file open: it could not be locked. */
static void set_in_use(GError **error, int fd, const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	bool known = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK &&
		     lock.l_pid > 0;
	g_autofree char *who = known ? g_strdup_printf("process %d", (int)lock.l_pid)
				     : g_strdup("another process");
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY, "%s is in use by %s", path, who);
}

int state_file_lock(const char *path, GError **error)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		agnes_set_errno(error, errno, "cannot open %s", path);
		return -1;
	}
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	if (errno == EAGAIN || errno == EACCES)
		set_in_use(error, fd, path);
	else
		agnes_set_errno(error, errno, "cannot lock %s", path);
	close(fd);
	return -1;
}

/* DuckDB's reasons, told for somebody who wants to start the program again. */
static void explain_failure(const char *path, GError *cause, GError **error)
{
	switch (cause->code) {
	case AGNES_ERROR_BUSY: {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		set_in_use(error, fd, path);
		if (fd >= 0)
			close(fd);
		return;
	}
	case AGNES_ERROR_CORRUPT:
		g_set_error(error, AGNES_ERROR, cause->code, "%s; " STATE_GO_BACK, cause->message);
		return;
	default:
		g_set_error_literal(error, AGNES_ERROR, cause->code, cause->message);
	}
}

static bool open_database(struct state_file *file, int threads, GError **error)
{
	g_autoptr(GError) cause = NULL;
	struct duck_options options = {.threads = threads};
	file->database = duck_database_open(file->path, &options, &cause);
	if (!file->database) {
		explain_failure(file->path, cause, error);
		return false;
	}
	file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->descriptor < 0) {
		agnes_set_errno(error, errno, "cannot open %s", file->path);
		return false;
	}
	return true;
}

bool state_file_check_space(const struct state_file *file, gint64 bytes, GError **error)
{
	struct statvfs space;
	if (fstatvfs(file->descriptor, &space) < 0)
		return true;
	gint64 available = (gint64)space.f_bavail * (gint64)space.f_frsize;
	gint64 needed = bytes + SPACE_RESERVE;
	if (available >= needed)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_NO_SPACE,
		    "cannot write to %s: %" G_GINT64_FORMAT " KiB are free on its file system, "
		    "%" G_GINT64_FORMAT " are needed; free some space",
		    file->path, available / 1024, needed / 1024);
	return false;
}

bool state_file_copy(struct state_file *file, struct duck_connection *connection, const char *to,
		     GError **error)
{
	struct stat status;
	g_autofree char *journal = g_strconcat(file->path, ".wal", NULL);
	if (!duck_exec(connection, error, "CHECKPOINT", NULL))
		return false;
	if (stat(journal, &status) == 0 && status.st_size > 0) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "cannot copy %s: its journal is still in use; try again", file->path);
		return false;
	}
	return files_copy_open(file->descriptor, to, error);
}

struct state_file *state_file_open(const char *data_dir, const struct state_options *options,
				   struct state_upgrade *upgrade, GError **error)
{
	g_auto(state_upgrade) unasked = {0};
	g_autofree char *folder = g_build_filename(data_dir, "state", NULL);
	if (!files_make_folder(folder, error))
		return NULL;
	g_autoptr(state_file) file = g_new0(struct state_file, 1);
	file->descriptor = -1;
	file->path = state_file_path(data_dir);
	if (!upgrade)
		upgrade = &unasked;
	if (!state_ensure_file(file->path, !options->must_exist, &upgrade->created, error) ||
	    !open_database(file, options->threads, error) ||
	    !state_upgrade_run(file, options, upgrade, error))
		return NULL;
	return g_steal_pointer(&file);
}
