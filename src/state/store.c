/* A session around one statement. */
#include "state/store.h"

#include <string.h>

static size_t count_of(const char *format)
{
	return format ? strlen(format) : 0;
}

GPtrArray *store_query_values(struct state *state, const struct record_type *type, const char *tail,
			      const struct duck_value *values, size_t count, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, error))
		return NULL;
	return record_query_values(session.connection, type, tail, values, count, error);
}

GPtrArray *store_query(struct state *state, GError **error, const struct record_type *type,
		       const char *tail, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	return store_query_values(state, type, tail, values, count_of(format), error);
}

void *store_find(struct state *state, GError **error, const struct record_type *type,
		 const char *tail, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_READ, error))
		return NULL;
	return record_find_values(session.connection, type, tail, values, count_of(format), error);
}

bool store_insert(struct state *state, const struct record_type *type, const void *record,
		  GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_insert(session.connection, type, record, error);
}

void *store_create(struct state *state, const struct record_type *type, const void *record,
		   GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	return record_create(session.connection, type, record, error);
}

bool store_upsert(struct state *state, const struct record_type *type, const void *record,
		  GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_upsert(session.connection, type, record, error);
}

bool store_update(struct state *state, const struct record_type *type, const void *record,
		  const char *const *columns, GError **error)
{
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_update(session.connection, type, record, columns, error);
}

bool store_delete(struct state *state, GError **error, const struct record_type *type,
		  const char *tail, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	g_auto(state_session) session = {0};
	return state_session_begin(&session, state, STATE_WRITE, error) &&
	       record_delete_values(session.connection, type, tail, values, count_of(format),
				    error);
}

int64_t store_change(struct state *state, GError **error, const char *sql, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree struct duck_value *values = duck_values_new(format, &args);
	va_end(args);
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return -1;
	return duck_change_values(session.connection, sql, values, count_of(format), error);
}
