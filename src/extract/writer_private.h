/* What the files of the writer share. */
#pragma once

#include "extract/description.h"
#include "extract/writer.h"

#include <glib.h>
#include <stdbool.h>

/* A table of this run, or one that is kept from the last. */
struct writer_entry {
	struct described_table *table;
	char *staged; /* NULL: nothing to move */
	bool folder;
	bool same; /* as the last run left it: its view still holds */
};
void writer_entry_free(struct writer_entry *entry);

struct extract_writer {
	char *source;
	char *folder; /* extracts/<source>, absolute */
	int lock;
	GHashTable *previous; /* name → struct described_table */
	bool ours;	      /* that extract.duckdb was made by a writer */
	GHashTable *dropped;  /* names */
	GHashTable *staged;   /* name → path, until the table is added */
	GPtrArray *entries;   /* struct writer_entry */
	GHashTable *names;    /* of the entries, case folded: views do not tell cases apart */
	GPtrArray *attached;  /* struct described_attach */
	struct duck_database *database; /* the new extract.duckdb */
	struct duck_connection *connection;
};

/* Where a file of that name lies in the source's folder. */
char *writer_path(const struct extract_writer *writer, const char *name);

/* Where the table's file or folder belongs. */
char *writer_place_of(const struct extract_writer *writer, const char *table, bool folder);

/* Adds the entry, which it takes over, to what will be committed. */
bool writer_add_entry(struct extract_writer *writer, struct writer_entry *entry, GError **error);

/* The rows that the parquet files at `path` say that they hold; -1 on error. */
int64_t writer_count_rows(struct extract_writer *writer, const char *path, bool folder,
			  GError **error);

/* Removes what a writer leaves behind that did not commit. */
bool writer_remove_leftovers(struct extract_writer *writer, GError **error);
