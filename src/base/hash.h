/*
 * The content hash that identifies a table's file on the wire: MD5, as 32 lower-case hex digits.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

/* The MD5 of what can be read from `path`, which must be a regular file. */
char *hash_file(const char *path, GError **error);

/* The same from the start of an open file, whose offset stays; `what` names it in messages. */
char *hash_descriptor(int fd, const char *what, GError **error);

/*
 * Hashes a file while another thread or library writes it from front to back, so that the hash is
 * there soon after the last byte. The file may not exist yet.
 */
struct hash_follower;

struct hash_follower *hash_follower_new(const char *path);

/*
 * To be called once the file is complete: reads the rest and returns the MD5 of the whole. What was
 * hashed early is not read again, so bytes that are rewritten later would be missed: for writers
 * that only append.
 */
char *hash_follower_finish(struct hash_follower *follower, GError **error);

/* Also stops a follower that was not finished. */
void hash_follower_free(struct hash_follower *follower);
DEFINE_AUTOPTR(hash_follower)
