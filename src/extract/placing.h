/*
 * Putting a file that a reader named into published/<source>/; for answer.c alone. The reader may
 * be under an attacker's control, so nothing here follows a symlink or leaves the folder.
 */
#pragma once

#include "extract/fingerprint.h"
#include "extract/publication.h"

#include <glib.h>
#include <stdbool.h>

/* Sets table->file and table->size_bytes; name and md5 are set, and checked, already. */

/* From the work folder, where the reader made it. */
bool placing_move(struct published_table *table, const char *work, const char *name,
		  const char *published, GError **error);

/* From the extract, where it stays: as a hard link, or a copy where that is not possible. */
bool placing_link(struct published_table *table, const char *extract, const char *path,
		  const struct file_stamp *stamp, const char *published, GError **error);
