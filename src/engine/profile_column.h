/* The statistics of one column. */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct profile_column {
	char *name, *type; /* as DuckDB writes the type */
	const struct profile_category *category;
	bool key; /* part of the primary key */
};

/* How a type is treated. */
struct profile_category {
	const char *name;      /* `type_category` */
	const char *stats_key; /* the member of the profile that holds them */
	const char *stats;     /* SQL for a JSON object, from "filled" */
	const char *repeated;  /* the same, for when values repeat; NULL: `stats` does */
};

struct profile_column *profile_column_new(const char *name, const char *type);
void profile_column_free(struct profile_column *column);
DEFINE_AUTOPTR(profile_column)

/* Makes the table "profiled" and the macros that measuring and reporting use. */
bool profile_columns_prepare(struct duck_connection *connection, GError **error);

/*
 * Measures the column of the relation "source" and adds a row to "profiled". Statistics that cannot
 * be computed are left out with a warning.
 */
bool profile_column_measure(struct duck_connection *connection, const struct profile_column *column,
			    gint64 position, gint64 max_categorical, GError **error);
