/*
 * Telling from the file system alone whether something may have changed: names, inodes, sizes and
 * modification times, never contents.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct file_stamp {
	int64_t inode;
	int64_t size;
	int64_t mtime_ns;
};

struct file_stamp file_stamp_of(const struct stat *status);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

/*
 * A short text that changes whenever a file below a source's folder does; hidden files do not
 * count. INVALID: a symlink leads out of the folder, which no source may have. TOO_LARGE: too many
 * files.
 */
char *fingerprint_folder(const char *folder, GError **error);
