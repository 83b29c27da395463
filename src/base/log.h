/*
 * Where g_message() and friends go: one line a message on standard error, as text for a person or
 * as JSON for a collector. Code logs with GLib's macros; only main() needs this header.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum log_format {
	LOG_TEXT, /* 2026-01-31 10:00:00 WARNING message */
	LOG_JSON, /* {"ts":…,"lvl":"WARNING","logger":…,"service":…,"msg":…[,"request_id":…]} */
};

/* Parses DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case. */
bool log_parse_level(const char *text, GLogLevelFlags *level, GError **error);

/*
 * To be called once, before other threads start. Messages below `level` are dropped; `service`
 * names the process in JSON lines and is not copied.
 */
void log_init(enum log_format format, GLogLevelFlags level, const char *service);

/* The request that this thread works on from now, for its messages; not copied. NULL: none. */
void log_set_request(const char *id);
