/* Paths and files of a workspace. */
#include "cli/workspace/workspace.h"

#include "base/beneath.h"
#include "base/error.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

struct workspace {
	char *root;
	int fd;
};

struct workspace *workspace_open(const char *folder, GError **error)
{
	const char *variable = g_getenv("DA_LOCAL_DIR");
	if (!folder)
		folder = variable && *variable ? variable : ".";
	g_autofree char *root = files_resolve(folder, error);
	if (!root)
		return NULL;
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		agnes_set_errno(error, errno, "cannot open the workspace %s", root);
		return NULL;
	}
	struct workspace *workspace = g_new(struct workspace, 1);
	*workspace = (struct workspace){.root = g_steal_pointer(&root), .fd = fd};
	return workspace;
}

void workspace_free(struct workspace *workspace)
{
	if (!workspace)
		return;
	descriptor_close(&workspace->fd);
	g_free(workspace->root);
	g_free(workspace);
}

const char *workspace_root(const struct workspace *workspace)
{
	return workspace->root;
}

char *workspace_path(const struct workspace *workspace, const char *below)
{
	return g_build_filename(workspace->root, below, NULL);
}

int workspace_folder(const struct workspace *workspace, const char *below, GError **error)
{
	return beneath_open(workspace->fd, below, O_RDONLY | O_DIRECTORY, error);
}

int workspace_make_folder(const struct workspace *workspace, const char *below, GError **error)
{
	g_autoptr(GError) missing = NULL;
	int fd = workspace_folder(workspace, below, &missing);
	if (fd >= 0)
		return fd;
	if (missing->code != AGNES_ERROR_NOT_FOUND) {
		g_propagate_error(error, g_steal_pointer(&missing));
		return -1;
	}
	g_autofree char *parent = g_path_get_dirname(below);
	g_autofree char *name = g_path_get_basename(below);
	AUTO_FD outer = strcmp(parent, ".") == 0 ? fcntl(workspace->fd, F_DUPFD_CLOEXEC, 0)
						 : workspace_make_folder(workspace, parent, error);
	if (outer < 0)
		return -1;
	if (mkdirat(outer, name, FOLDER_MODE) < 0 && errno != EEXIST) {
		agnes_set_errno(error, errno, "cannot make folder %s/%s", workspace->root, below);
		return -1;
	}
	return workspace_folder(workspace, below, error);
}

char *workspace_read(const struct workspace *workspace, const char *below, size_t limit,
		     size_t *size, GError **error)
{
	struct stat status;
	AUTO_FD fd = beneath_open(workspace->fd, below, O_RDONLY | O_NONBLOCK, error);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s is not a regular file",
			    below);
		return NULL;
	}
	return files_read_stream(fd, below, limit, size, error);
}

bool workspace_write(const struct workspace *workspace, const char *below, const void *data,
		     size_t size, bool durable, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(below);
	g_autofree char *name = g_path_get_basename(below);
	AUTO_FD folder = workspace_make_folder(workspace, parent, error);
	return folder >= 0 && files_replace_at(folder, name, data, size, FILE_MODE, durable, error);
}

static const char *why_not_locked(const GError *cause)
{
	switch (cause->code) {
	case AGNES_ERROR_BUSY:
		return "another da is at work in it";
	case AGNES_ERROR_DENIED:
		return "it cannot be written to";
	default:
		return cause->message;
	}
}

int workspace_lock(const struct workspace *workspace, int milliseconds, GError **error)
{
	AUTO_FD folder = workspace_make_folder(workspace, "server", error);
	if (folder < 0)
		return -1;
	/* By the descriptor, so that no symlink on the way counts. */
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d/.lock", folder);
	g_autoptr(GError) cause = NULL;
	int lock = files_lock(path, milliseconds, &cause);
	if (lock < 0)
		g_set_error(error, AGNES_ERROR, cause->code, "cannot lock the workspace %s: %s",
			    workspace->root, why_not_locked(cause));
	return lock;
}

char *workspace_now(void)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	return g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%f+00:00");
}
