/*
 * What a run has come to so far: its sources and their tables. Whoever runs a source changes its
 * part; anybody may ask for the picture at any time. Every change is told to those who listen.
 */
#pragma once

#include "app/sync/events.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum report_phase {
	REPORT_WAITING,
	REPORT_EXTRACTING,
	REPORT_PUBLISHING, /* extracted, but nobody sees it yet */
	REPORT_DONE,	   /* there is a new version */
	REPORT_UNCHANGED,  /* the last version still holds */
	REPORT_FAILED,	   /* the last version stays, if there was one */
};

struct report_table {
	char *name;
	bool materialized;
	bool unsupported; /* the failure is of the configuration: the table's state does not tell it
			   */
	enum report_phase phase;
	int64_t rows, bytes;  /* negative: unknown */
	int64_t rejected;     /* rows that could not be read and were set aside */
	int percent;	      /* negative: unknown */
	int64_t milliseconds; /* that it took to extract; negative: unknown */
	char *error;
	bool transient; /* of a failure: another try may go better */
};

struct report_source {
	struct report *report;
	char *name;
	bool whole; /* the connector says itself which tables there are */
	int attempts;
	gint64 started, ended; /* monotonic; 0: not yet */
	char *error;	       /* of the source as a whole */
	GPtrArray *tables;     /* struct report_table, by name */
	GHashTable *by_name;
};

struct report;

/* `started_by` is the id of a user or NULL; `started` is microseconds since 1970. */
struct report *report_new(const char *id, const char *started_by, int64_t started,
			  struct sync_events *events);
struct report *report_ref(struct report *report);
void report_free(struct report *report); /* drops one reference */
DEFINE_AUTOPTR(report)

const char *report_id(const struct report *report);
int64_t report_started(const struct report *report);

/* Tells that the run begins. */
void report_begin(struct report *report);

/* To be added before anybody else knows of the report. */
struct report_source *report_add_source(struct report *report, const char *name, bool whole);
/* Also later, for a connector that says what there is; once for each name. */
struct report_table *report_add_table(struct report_source *source, const char *name,
				      bool materialized);

const GPtrArray *report_sources(const struct report *report); /* struct report_source */
/* NULL: there is none of that name. */
struct report_table *report_table(const struct report_source *source, const char *name);

/* Changes, each of one table. A message is copied. */
void report_begin_attempt(struct report_source *source, int attempt);
void report_end_source(struct report_source *source, const char *error);
void report_set_phase(struct report_source *source, struct report_table *table,
		      enum report_phase phase);
void report_set_size(struct report_source *source, struct report_table *table, int64_t rows,
		     int64_t bytes);
void report_fail(struct report_source *source, struct report_table *table, const char *message,
		 bool transient);
/* What an extractor says (connectors/run.h); whatever is none of its tables is passed over. */
void report_hear(struct report_source *source, const json_t *event);

/* How many tables are in which phase. */
struct report_counts {
	int total;
	int in[REPORT_FAILED + 1];
};
void report_count(struct report *report, struct report_counts *counts);

/* The run is over; `status` is one of state/sync_runs.h. */
void report_finish(struct report *report, const char *status);

/* A new object, of all tables or of at most `most`: those first that failed, then the new ones. */
json_t *report_to_json(struct report *report, size_t most);
