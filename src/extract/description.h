/*
 * The extract.duckdb of a writer: its `_meta`, `_remote_attach` and `_checksums`, and a view for
 * each table. Only for files that this program wrote or writes; anybody else's are read in a
 * sandbox.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct described_table {
	char *name;
	char *description;
	int64_t rows;
	int64_t size_bytes;
	int64_t extracted_at;
	bool remote;
	char *select; /* what the view selects; NULL: no view */
	/* Of a single file that is only ever replaced by rename, so that publishing may link it. */
	char *md5; /* NULL: not such a file */
	int64_t inode;
	int64_t mtime_ns;
};
void described_table_free(struct described_table *table);
DEFINE_AUTOPTR(described_table)

struct described_attach {
	char *alias, *extension, *url, *token_env;
};
void described_attach_free(struct described_attach *attach);

/* Creates the tables that describe the extract; those that a copy of the last one has go. */
bool description_create(struct duck_connection *connection, GError **error);

/* The SQL of the views that there are, by their names. */
GHashTable *description_views(struct duck_connection *connection, GError **error);
/* Makes the table's view, in place of one of that name. */
bool description_put_view(struct duck_connection *connection, const struct described_table *table,
			  GError **error);
bool description_drop_view(struct duck_connection *connection, const char *name, GError **error);

/* Adds the rows and the checksums of tables (struct described_table), all at once. */
bool description_add_tables(struct duck_connection *connection, const GPtrArray *tables,
			    GError **error);

bool description_add_attach(struct duck_connection *connection,
			    const struct described_attach *attach, GError **error);

/*
 * The local tables of an extract.duckdb: struct described_table by name, without views. A file that
 * does not exist has none. *ours: a writer of ours made it.
 */
GHashTable *description_read(const char *path, bool *ours, GError **error);
