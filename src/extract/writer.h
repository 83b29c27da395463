/*
 * How a connector produces extracts/<source>/: parquet files are staged, described, and become the
 * source's tables all together in extract_writer_commit(). Until then, and after a crash at any
 * instruction, the last version stays. One writer at a time for each source, over all processes.
 *
 *	writer = extract_writer_begin(data_dir, "shop", &error);
 *	path = extract_writer_stage_file(writer, "orders", &error);
 *	... COPY (SELECT ...) TO path (FORMAT parquet) ...
 *	extract_writer_add_local(writer, &(struct extract_local){.name = "orders", ...}, &error);
 *	extract_writer_commit(writer, &error);
 *
 * Tables of the last run that this one does not touch stay as they are, unless they are dropped.
 * That goes for local tables alone: what is remote is to be added anew by each run.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct extract_writer;

/*
 * Locks the source and removes what a crashed writer left. `source` is a strict name. BUSY: another
 * writer works on it.
 */
struct extract_writer *extract_writer_begin(const char *data_dir, const char *source,
					    GError **error);

/*
 * The path at which to write the table's new parquet file; nothing is there. Write it from front to
 * back; g_free() the path.
 */
char *extract_writer_stage_file(struct extract_writer *writer, const char *table, GError **error);

/*
 * The same for a table of several parquet files: a folder for files of any name in .parquet, which
 * readers see as one table, columns united by name. With `keep` it starts with the files of the
 * last run, as hard links: remove them or rename new ones over them, never write into them.
 */
char *extract_writer_stage_folder(struct extract_writer *writer, const char *table, bool keep,
				  GError **error);

/* A folder on the same file system for what is made on the way; it goes with the writer. g_free().
 */
char *extract_writer_scratch(struct extract_writer *writer, GError **error);

struct extract_local {
	const char *name;	 /* what was staged */
	const char *description; /* NULL: none */
	int64_t rows;		 /* negative: unknown, the parquet says it */
	int64_t extracted_at;	 /* microseconds since 1970 in UTC */
	const char *md5;	 /* of a staged file, when known already (base/hash.h); or NULL */
};

/* The staged file or folder is complete. It is synced to disk here, and hashed if need be. */
bool extract_writer_add_local(struct extract_writer *writer, const struct extract_local *table,
			      GError **error);

struct extract_remote {
	const char *name;
	const char *description; /* NULL: none */
	const char *select;	 /* what the view selects; NULL: only describe it, without a view */
	int64_t extracted_at;
};

/*
 * A table that stays where it is and is read through a DuckDB extension. A view's select is bound
 * on commit, so what it names must be attached to extract_writer_connection() by then.
 */
bool extract_writer_add_remote(struct extract_writer *writer, const struct extract_remote *table,
			       GError **error);

/* How readers attach a remote database. `token_env` names a variable, "" for none. */
bool extract_writer_add_attach(struct extract_writer *writer, const char *alias,
			       const char *extension, const char *url, const char *token_env,
			       GError **error);

/* The session in which the new extract.duckdb is built, for extensions, secrets and ATTACH. */
struct duck_connection *extract_writer_connection(struct extract_writer *writer, GError **error);

/* Whether the last run had this local table. */
bool extract_writer_had(const struct extract_writer *writer, const char *table);

/* Takes a local table of the last run out, and removes its files after the commit. */
void extract_writer_drop(struct extract_writer *writer, const char *table);

/* Publishes everything. Afterwards, or when it fails, the writer can only be freed. */
bool extract_writer_commit(struct extract_writer *writer, GError **error);

/* Releases the source; what was not committed is removed. */
void extract_writer_free(struct extract_writer *writer);
DEFINE_AUTOPTR(extract_writer)
