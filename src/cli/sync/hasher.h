/*
 * Hashes files while they are written, several side by side (see base/md5.h), in a thread of its
 * own. What it reads was written a moment ago and is still in memory.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct hasher;
struct hashing; /* one file */

struct hasher *hasher_new(void);
void hasher_free(struct hasher *hasher); /* after all its files */
DEFINE_AUTOPTR(hasher)

/* Begins with a file, of which `written` bytes are there. `fd` must stay open, and can be read. */
struct hashing *hashing_begin(struct hasher *hasher, int fd, int64_t written);

/* So many bytes of it are there by now; what is there does not change any more. */
void hashing_advance(struct hashing *hashing, int64_t written);

/* Waits until all of it is hashed: its MD5, 32 lower-case hex digits. */
char *hashing_finish(struct hashing *hashing, GError **error);

/* Also ends one that was not finished. */
void hashing_free(struct hashing *hashing);
DEFINE_AUTOPTR(hashing)
