/* The files of a table: found below a root, opened, and known by their descriptor from then on. */
#pragma once

#include "base/cleanup.h"
#include "connectors/connector.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

enum local_format { LOCAL_CSV, LOCAL_TSV, LOCAL_JSON, LOCAL_NDJSON, LOCAL_PARQUET };
enum local_compression { LOCAL_PLAIN, LOCAL_GZIP, LOCAL_ZSTD };

struct local_file {
	char *name; /* below the root, for people */
	int fd;
	struct stat status; /* as it was opened */
	enum local_format format;
	enum local_compression compression;
	char *path; /* under which DuckDB opens this very file, or its converted copy */
	int copy;   /* of the converted copy, which has no name; or negative */
};
void local_file_free(struct local_file *file);

/* By the suffix, such as .csv.gz; false: not one of ours. */
bool local_file_kind(const char *name, enum local_format *format,
		     enum local_compression *compression);

/* As DuckDB calls it. */
const char *local_compression_name(enum local_compression compression);

/* What the formats are called in the configuration; false: no such format. */
bool local_format_parse(const char *name, enum local_format *format);

/*
 * The files of a table, an array of struct local_file in the order of their names. source_table is
 * below the bucket: a file, a pattern with * ? and [...] in any part, or a folder, of which all
 * files with a known suffix count, also those in folders of it. Without source_table it is the file
 * or folder that is named as the table. `format` overrides the suffix if it is not NULL. NOT_FOUND:
 * there are none. Hidden files are never taken.
 */
GPtrArray *local_files_open(const json_t *settings, const char *data_dir,
			    const struct connector_table *table, const enum local_format *format,
			    GError **error);

/* CONFLICT when a file was written to since it was opened. */
bool local_files_unchanged(const GPtrArray *files, GError **error);
