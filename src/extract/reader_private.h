/* What the files of the reader share. */
#pragma once

#include "base/json.h"
#include "duck/jail.h"
#include "extract/fingerprint.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct extract_reader {
	char *source;
	char *folder; /* resolved: no symlinks in it */
	char *work;
	char *stamp;	/* fingerprint of the folder as it was when the parent asked */
	bool described; /* there was an extract.duckdb the last time */
	json_t *materialized;
	json_t *known;
	int memory_mb, threads, newest_landlock;
	struct duck_jail jail;
	GHashTable *checksums; /* name → struct promise */
	GHashTable *seen;      /* names that were answered, case folded */
	GPtrArray *pending;    /* struct reader_file */
};

/* What a producer that replaces its files by rename alone says of one of them. */
struct promise {
	char *md5;
	struct file_stamp stamp;
};
void promise_free(struct promise *promise);

/* A row of _meta. */
struct reader_table {
	const char *name;
	const char *description;
	int64_t extracted_at;
};

/* A table whose file is there and has yet to be looked into. */
struct reader_file {
	char *path;
	json_t *answer;
};
void reader_file_free(struct reader_file *file);

/* Whether the failure has nothing to do with what is in the extract, and may pass. */
bool reader_may_pass(const GError *error);

/* {"table", "description", "extracted_at"} */
json_t *reader_table_answer(const struct reader_table *table);

/* Goes through the tables that the extract describes. */
bool reader_describe(struct extract_reader *reader, GError **error);

/*
 * These make a table's parquet file ready, or answer that it is the same as before: a single file;
 * several that are one table; a view or table of the extract, evaluated.
 */
bool reader_take_file(struct extract_reader *reader, const struct reader_table *table,
		      const char *path, GError **error);
bool reader_take_files(struct extract_reader *reader, const struct reader_table *table,
		       const GPtrArray *paths, bool union_by_name, GError **error);
bool reader_take_query(struct extract_reader *reader, const struct reader_table *table,
		       GError **error);

/* Looks into the files that are ready and answers for each. */
void reader_finish_files(struct extract_reader *reader);

/*
 * The path inside the source's own folder that a view means: views hold absolute paths, and folders
 * get moved. NULL when it lies outside. DENIED is set then.
 */
char *reader_own_path(const struct extract_reader *reader, const char *table, const char *path,
		      GError **error);
