/* The manifest as a client reads it: which tables the server offers, in which version. */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYNC_MANIFEST_BYTES = 128 * 1024 * 1024, SYNC_MANIFEST_TABLES = 100 * 1000 };

struct offered_table {
	char *name;
	char *hash;		  /* "" when the server says none */
	int64_t rows, size_bytes; /* 0: not known */
	bool is_remote;		  /* has no file */
	bool is_safe;		  /* its name can be the name of a file and part of a URL */
};

struct sync_manifest {
	GPtrArray *tables; /* struct offered_table, in the server's order */
};

/* INVALID: not a manifest; TOO_LARGE: one with more tables than that. */
struct sync_manifest *sync_manifest_read(const json_t *root, GError **error);
struct sync_manifest *sync_manifest_parse(const char *text, size_t size, GError **error);
void sync_manifest_free(struct sync_manifest *manifest);
DEFINE_AUTOPTR(sync_manifest)

/* Whether a hash is the MD5 of the file's content; servers of old give other tokens. */
bool sync_hash_is_md5(const char *hash);

/* The name as it can be shown on a terminal: nothing but printable characters, not too many. */
char *sync_name_to_show(const char *name);
