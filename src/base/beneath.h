/* Opening what somebody else named below a folder, which neither `..` nor a symlink can leave. */
#pragma once

#include <glib.h>

/*
 * Opens `path`, relative to the open folder, with the flags of open() and O_CLOEXEC. The kernel
 * resolves it, so nobody can swap a part of it meanwhile. A symlink that stays inside is followed.
 * DENIED: the path leads out. Returns a descriptor, -1 on error.
 */
int beneath_open(int folder, const char *path, int flags, GError **error);

/* The same, but any symlink on the way is an error, wherever it leads. */
int beneath_open_unlinked(int folder, const char *path, int flags, GError **error);
