/*
 * One statement against the state, session included: what most functions of a repository are. The
 * arguments are those of record.h and duck/query.h. What needs several statements begins its own
 * session and transaction instead.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

GPtrArray *store_query(struct state *state, GError **error, const struct record_type *type,
		       const char *tail, const char *format, ...);
GPtrArray *store_query_values(struct state *state, const struct record_type *type, const char *tail,
			      const struct duck_value *values, size_t count, GError **error);
void *store_find(struct state *state, GError **error, const struct record_type *type,
		 const char *tail, const char *format, ...);

bool store_insert(struct state *state, const struct record_type *type, const void *record,
		  GError **error);
void *store_create(struct state *state, const struct record_type *type, const void *record,
		   GError **error);
bool store_upsert(struct state *state, const struct record_type *type, const void *record,
		  GError **error);
bool store_update(struct state *state, const struct record_type *type, const void *record,
		  const char *const *columns, GError **error);
bool store_delete(struct state *state, GError **error, const struct record_type *type,
		  const char *tail, const char *format, ...);

/* Any INSERT, UPDATE or DELETE: the number of rows that changed, -1 on error. */
int64_t store_change(struct state *state, GError **error, const char *sql, const char *format, ...);
