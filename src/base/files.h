/*
 * Files that are whole or absent: written beside their place, synced, renamed. Everything is opened
 * O_CLOEXEC and never through a symlink that somebody else could have planted.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Replaces `path` by `size` bytes: temporary file with `mode`, fsync, rename, fsync of the folder.
 */
bool files_replace(const char *path, const void *data, size_t size, mode_t mode, GError **error);

/*
 * The same for a name in an open folder. Unless it is `durable`, a power cut may undo it or leave a
 * broken file; other processes never see one.
 */
bool files_replace_at(int folder, const char *name, const void *data, size_t size, mode_t mode,
		      bool durable, GError **error);

/* Writes all of it at the descriptor's place; errno says why not. */
bool files_write_all(int fd, const void *data, size_t size);

/* Renames `from` over `to` and makes both the file's content and the rename durable. */
bool files_publish(const char *from, const char *to, GError **error);

/* A durable copy of a regular file, published under `to` by rename; keeps mode and modification
 * time. */
bool files_copy(const char *from, const char *to, GError **error);

/*
 * The same from a descriptor, whatever its offset. For a file on which this process holds an
 * fcntl() lock, as DuckDB does on its databases: closing *any* descriptor of such a file drops the
 * lock.
 */
bool files_copy_open(int from, const char *to, GError **error);

/*
 * Opens a regular file to read, without waiting for a pipe's other end; *status may be NULL.
 * INVALID: it is something else.
 */
int files_open_regular(const char *path, struct stat *status, GError **error);

/* Reads a regular file of at most `limit` bytes. The text ends in a NUL that is not counted. */
char *files_read(const char *path, size_t limit, size_t *size, GError **error);

/* The same of an open descriptor of any kind, from where it stands to its end; `what` names it. */
char *files_read_stream(int fd, const char *what, size_t limit, size_t *size, GError **error);

/* Makes a folder and its parents (mode 0700 for those that it makes). An existing one is fine. */
bool files_make_folder(const char *path, GError **error);

/* Removes a file; one that is not there is fine. */
bool files_remove(const char *path, GError **error);

/* Removes a file or a folder with all that is in it, never through a symlink; none is fine. */
bool files_remove_tree(const char *path, GError **error);

/* fsync of a file's content. */
bool files_sync(const char *path, GError **error);

/* fsync of a folder, so that renames and removals inside it last. */
bool files_sync_folder(const char *path, GError **error);

/* The path without symlinks and dots. */
char *files_resolve(const char *path, GError **error);

/*
 * An exclusive flock on the file `path`, which is made if need be; closing the descriptor releases
 * it. BUSY: somebody else still holds it after `milliseconds`.
 */
int files_lock(const char *path, int milliseconds, GError **error);

/*
 * A descriptor of a file in memory that holds these bytes, at its start: as large as need be for
 * the standard input of a child, and nobody has to feed it.
 */
int files_in_memory(const char *name, const void *data, size_t size, GError **error);
