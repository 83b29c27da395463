/*
 * One run of a connector: what it is asked for, where its tables go, how it says how far it is and
 * learns that it is to stop.
 *
 * Progress is JSON lines for the process that waits:
 *	{"event":"table","table":"orders","state":"started"}
 *	{"event":"progress","table":"orders","percent":42}
 *	{"event":"table","table":"orders","state":"done","rows":20000,"rejected":0,"milliseconds":41}
 *	{"event":"table","table":"leads","state":"failed","error":"..."}
 * "unchanged" stands for "done" where the last version still holds. A failure that may pass by
 *itself has "transient":true.
 */
#pragma once

#include "base/cleanup.h"
#include "config/config.h"
#include "connectors/connector.h"
#include "duck/database.h"
#include "extract/writer.h"

enum connector_purpose {
	CONNECTOR_EXTRACT,     /* rows in mode local and remote; the others are passed over */
	CONNECTOR_MATERIALIZE, /* rows in mode materialized; likewise */
};

struct connector_run {
	const struct connector *connector;
	char *data_dir;
	json_t *settings;	    /* see connectors/settings.h */
	struct duck_options limits; /* for sessions: memory and threads */
	GPtrArray *tables; /* struct connector_table, of the purpose's modes, names checked */
	struct extract_writer *writer; /* NULL in discover(), test() and run_program() */
	struct connector_run_private *private;
};

/*
 * `rows` is an array of registry rows; `given` are settings that go before the configuration's, or
 * NULL. Events are written to the descriptor `output`, which stays the caller's.
 */
struct connector_run *connector_run_new(const struct connector *connector, const char *data_dir,
					enum connector_purpose purpose, json_t *rows,
					const struct configuration *config, const json_t *given,
					int output, GError **error);
void connector_run_free(struct connector_run *run);
DEFINE_AUTOPTR(connector_run)

/*
 * Extracts or materializes the tables and publishes those that succeeded. The new object is what
 * the process says last: {"tables_extracted", "tables_failed", "errors": [{"table", "error"}]}.
 * NULL: not even begun.
 */
json_t *connector_run_extract(struct connector_run *run, GError **error);

/* What the process says when that is NULL. */
json_t *connector_run_refusal(const struct connector_run *run, const GError *error);

/* Whether another try may go better: a lock, a time-out, a source that does not answer. */
bool connector_may_pass(const GError *error);

/* The exit code for the object above: 0 none failed, 1 all did, 2 some did. */
int connector_run_exit_code(const struct connector_run *run, const json_t *result);

/* For connectors: calls the function for each table, times it, stages nothing for those that fail.
 */
typedef bool (*connector_table_function)(struct connector_run *run,
					 const struct connector_table *table, void *data,
					 struct connector_outcome *outcome, GError **error);
bool connector_each_table(struct connector_run *run, connector_table_function function, void *data,
			  GError **error);

/* Writes an event of the connector's own; takes it over. From any thread. */
void connector_event(struct connector_run *run, json_t *event);

/*
 * The session in which the current table is being made: its statement is interrupted when the run
 * is cancelled, and its progress is reported. NULL before the connection is freed.
 */
void connector_watch(struct connector_run *run, struct duck_connection *connection);

/* Ends the run soon. From any thread. */
void connector_cancel(struct connector_run *run);

/* Whether it was cancelled, which is then the error. */
bool connector_cancelled(struct connector_run *run, GError **error);
