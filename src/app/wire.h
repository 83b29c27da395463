/* How values look in the API's answers where JSON leaves a choice. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

/* "2026-01-31T12:00:00[.ffffff]", null for DUCK_NO_TIME: what most endpoints send. */
json_t *wire_time(int64_t time);
/* The same with a space: users, tokens, groups, members, grants. */
json_t *wire_time_spaced(int64_t time);
/* With the offset "+00:00": instants that the server itself makes. */
json_t *wire_time_offset(int64_t time);

/* A string, or null. */
json_t *wire_text(const char *text);

/*
 * Text in quotes as messages show a value that came from outside: 'x', with backslashes before what
 * could end it or is a control character; None for NULL. g_free() it.
 */
char *wire_quote(const char *text);
