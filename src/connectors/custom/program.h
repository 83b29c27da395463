/*
 * A child that is told something, may print events, and is not trusted to be short or quick. It
 * ends with us, however we end (base/supervisor.h).
 */
#pragma once

#include "base/cleanup.h"
#include "connectors/run.h"

struct program {
	const char *const *argv; /* argv[0] is an absolute path */
	const char *const *environment;
	int input;
	int lock; /* a descriptor that stays open until nothing that it started runs any more */
	gint64 seconds; /* until it is killed with all that it started */
};

struct program_outcome {
	bool crashed;	 /* killed by a signal */
	char *failure;	 /* how it ended, if not with success; else NULL */
	char *complaint; /* the end of what it wrote to standard error; never NULL */
	json_t *result;	 /* the last line that was an object with "tables_extracted", or NULL */
};
void program_outcome_clear(struct program_outcome *outcome);
DEFINE_AUTO(program_outcome)

/* Lines with an "event" are passed on to the run, other output is dropped. Ends when the run is
 * cancelled. */
bool program_run(const struct program *program, struct connector_run *run,
		 struct program_outcome *outcome, GError **error);
