/* openat2(), which glibc 2.36 has no function for. */
#include "base/beneath.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel says EAGAIN when something was renamed on the way. */
enum { RENAME_RETRIES = 32 };

static int open_resolved(int folder, const char *path, int flags, unsigned int resolve,
			 GError **error)
{
	const struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve,
	};
	long fd = -1;
	for (int i = 0; i < RENAME_RETRIES; i++) {
		fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd >= 0)
		return (int)fd;
	if (errno == EXDEV)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
			    "%s leads out of the folder that it must stay in", path);
	else
		agnes_set_errno(error, errno, "cannot open %s", path);
	return -1;
}

int beneath_open(int folder, const char *path, int flags, GError **error)
{
	return open_resolved(folder, path, flags, 0, error);
}

int beneath_open_unlinked(int folder, const char *path, int flags, GError **error)
{
	return open_resolved(folder, path, flags, RESOLVE_NO_SYMLINKS, error);
}
