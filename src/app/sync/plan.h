/*
 * What a run of the synchronisation does: which tables are due, and the sources that they come
 * from. Nothing here reads a clock, a file or the state.
 */
#pragma once

#include "base/cleanup.h"
#include "state/directory.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Something that can extract. */
struct plan_connector {
	const char *name;
	/* Of a connector in another language that no registered table names: when it is due, NULL
	 * with every run; and when it last was run with success. */
	bool whole;
	const char *schedule;
	int64_t last;
};

struct plan_request {
	const struct directory *directory;
	const GArray *connectors;   /* struct plan_connector */
	const char *default_source; /* of rows that name none: data_source.type */
	bool all;		    /* what is due */
	GHashTable *ids;	    /* set: these, whatever their schedule says; or NULL */
	GHashTable *owed;	    /* set of names that a run which was cut off owes; or NULL */
	int64_t now;
};

/* A source that is to run. Its tables are borrowed from the directory. */
struct plan_source {
	char *name;
	bool known;		 /* there is a connector of that name */
	bool whole;		 /* to be run although no registered table asks for it */
	GPtrArray *extracted;	 /* const struct directory_table, by name */
	GPtrArray *materialized; /* likewise: the results of registered queries */
};

/*
 * Sources (struct plan_source) by name; none when nothing is due. A table of a source that has no
 * connector here is left out, unless it was listed, or is of the default source, or a query: then
 * somebody counts on it, and it has to fail.
 */
GPtrArray *plan_make(const struct plan_request *request);

/* Materialized rows that name no source are BigQuery's. */
#define PLAN_MATERIALIZED_SOURCE "bigquery"
/* How often a registered query runs that has no schedule. */
#define PLAN_MATERIALIZED_SCHEDULE "every 1h"
