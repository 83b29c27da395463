/*
 * How a table's files are to be read: what the configuration says of the table below
 * local.tables.<name>, over what DuckDB finds out by itself.
 */
#pragma once

#include "base/cleanup.h"
#include "connectors/connector.h"
#include "connectors/local/files.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct local_options {
	const json_t *given; /* the table's map, or NULL; checked */
	bool has_format;
	enum local_format format;
	const char *encoding;	  /* NULL: UTF-8, or as the byte order mark says */
	const char *partition_by; /* a column; NULL: none */
	int64_t longest_line;
	int64_t most_rejects;	    /* rows; negative: see the next */
	double most_rejected_share; /* of all rows, 0 to 1 */
	const char *compression;    /* of the parquet */
	char *digest;		    /* another one when the files would be read otherwise */
};

/* INVALID: a key or value that is none. The options borrow from the settings. */
bool local_options_init(struct local_options *options, const json_t *settings,
			const struct connector_table *table, GError **error);
void local_options_clear(struct local_options *options);
DEFINE_AUTO(local_options)

/* The map's value of a key; NULL when it is missing. */
const json_t *local_options_get(const struct local_options *options, const char *key);
