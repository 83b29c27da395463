/*
 * What one source has published: an immutable parquet file for each local table, in
 * published/<source>/, and an index that describes them. Files carry their MD5 in their name, so
 * that a new version never takes an old one's place.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct published_table {
	char *name;
	char *description;
	int64_t extracted_at; /* microseconds since 1970 in UTC; DUCK_NO_TIME when not said */
	bool materialized;    /* the result of a registered query */

	/* Of a local table; NULL and 0 for a remote one. */
	char *file; /* absolute path */
	char *md5;
	int64_t rows, size_bytes;
	int columns;
	char *key; /* what it was made from; only publishing looks at it */

	/* Of a remote table, which is alias.schema.table of an attached database; else NULL. */
	char *alias, *schema, *table;
};

/* A remote database, as the extract wants it attached: not checked against any policy. */
struct published_attach {
	char *alias, *extension, *url, *token_env;
};

/* A table that could not be published; its last version stays, if it had one. */
struct published_failure {
	char *name; /* NULL: the source as a whole */
	char *message;
};

/* Immutable once made, shared by reference. */
struct published_source {
	char *name;
	char *fingerprint;   /* of the extract that this was made from */
	GPtrArray *tables;   /* struct published_table, in the order of _meta */
	GPtrArray *attached; /* struct published_attach */
	GPtrArray *failures; /* struct published_failure */
	gint references;
};

struct published_source *published_source_new(const char *name);
struct published_source *published_source_ref(struct published_source *source);
void published_source_free(struct published_source *source); /* drops one reference */
DEFINE_AUTOPTR(published_source)

struct published_table *published_table_copy(const struct published_table *table);
void published_table_free(struct published_table *table);
DEFINE_AUTOPTR(published_table)

void published_source_add_attach(struct published_source *source, const char *alias,
				 const char *extension, const char *url, const char *token_env);
void published_source_add_failure(struct published_source *source, const char *name,
				  const char *message);

/* Whether any table came out of an extract.duckdb, and not of a registered query. */
bool publication_is_described(const struct published_source *source);

/*
 * Reads the index in `folder` (published/<source>). One that is missing or damaged reads as a
 * source without tables, and a table whose file is gone is left out; either way the fingerprint is
 * empty, so that the source is published anew.
 */
struct published_source *publication_load(const char *folder, const char *name);

/* When the index in `folder` was written, in seconds since 1970; 0: there is none. */
int64_t publication_time(const char *folder);

bool publication_save(const struct published_source *source, const char *folder, GError **error);
