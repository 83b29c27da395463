/* What the writer does with the files of one table; for writer.c alone. */
#pragma once

#include "extract/description.h"

#include <glib.h>
#include <stdbool.h>

/* A folder with hard links to the files of `from`; that one need not exist. */
bool writer_link_folder(const char *from, const char *to, GError **error);

/*
 * Fills in what the files themselves say: the size, and for a single file its checksum, hashed
 * unless table->md5 is known to be right.
 */
bool writer_measure(struct described_table *table, const char *path, bool folder, GError **error);

/* Makes the content durable. */
bool writer_sync(const char *path, bool folder, GError **error);

/* Puts a staged file or folder in its place; what was there is gone, or in `staged`. */
bool writer_place(const char *staged, const char *place, bool folder, GError **error);
