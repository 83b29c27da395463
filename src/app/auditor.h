/*
 * The audit log's one writer: notes are queued by any thread and written in groups, so that a
 * download does not wait for a commit. What cannot be written is kept and tried again, loudly.
 */
#pragma once

#include "base/cleanup.h"
#include "state/state.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct auditor;

struct auditor *auditor_new(struct state *state);
/* Writes what is queued, then ends. */
void auditor_free(struct auditor *auditor);
DEFINE_AUTOPTR(auditor)

struct audit_note {
	const char *user_id;  /* the actor, or NULL */
	const char *action;   /* such as "user.create" */
	const char *resource; /* such as "user:<id>", or NULL */
	const char *result;   /* or NULL */
	int64_t duration_ms;  /* negative: none */
};

/* Takes over `params`, which may be NULL. Never blocks on the database. */
void auditor_record(struct auditor *auditor, const struct audit_note *note, json_t *params);

/* Waits until everything recorded before is written, or cannot be at present. */
void auditor_flush(struct auditor *auditor);

/* Notes that wait and notes that were lost since the start: for health and metrics. */
void auditor_load(struct auditor *auditor, size_t *waiting, size_t *lost);
