/*
 * When each job last succeeded, in a file, so that a restart repeats nothing:
 *
 *	{"last_runs": {"data-refresh": "2026-01-31T12:00:00Z", …}}
 */
#pragma once

#include "base/json.h"

#include <stdint.h>

/* The jobs of the file; an empty object, and a warning, if it cannot be used; json_decref(). */
json_t *history_read(const char *path);

/* SCHEDULE_NEVER: nothing is known. */
int64_t history_get(const json_t *history, const char *job);
void history_set(json_t *history, const char *job, int64_t time);

bool history_write(const json_t *history, const char *path, GError **error);
