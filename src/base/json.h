/*
 * Jansson with our cleanup and our errors. The program has one tree type, json_t: JSON and YAML are
 * both read into it.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/*
 * Parses text from outside: duplicate keys are refused, any value may stand at the top, nesting is
 * bounded by jansson. `what` names the input in the message, which gives line and column.
 */
json_t *json_parse(const char *text, size_t size, const char *what, GError **error);

/* Compact text in UTF-8; g_free() it. */
char *json_to_text(const json_t *value);
