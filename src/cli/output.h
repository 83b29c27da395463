/*
 * What goes to standard output, and how it looks. Data goes there and nothing else: progress,
 * warnings and hints go to standard error. Nothing that a server or a file says reaches a terminal
 * without going through output_printable() or the writers of tables.
 */
#pragma once

#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Columns that may be used: $COLUMNS, else those of the terminal, else 80. */
int output_width(void);

/* The same for running text, which nobody reads in very wide lines. */
int output_help_width(void);

bool output_is_terminal(void);

/* Colours on that stream: it is a terminal that knows them, and NO_COLOR is not set. */
bool output_has_colour(FILE *stream);

/* Whether somebody watches: standard error is a terminal that can move its cursor. */
bool output_shows_progress(void);

/* One value with an indent of two, in ASCII, and a newline. */
void output_json(const json_t *value);

/* The same from text that is JSON; numbers and the order of keys stay as they are. */
void output_json_text(const char *text, size_t size);

/*
 * A copy without control characters other than newlines and tabs, so that text from elsewhere
 * cannot steer a terminal; invalid UTF-8 is replaced. g_free() it.
 */
char *output_printable(const char *text);

/* The same on one line: newlines and tabs become spaces. */
char *output_printable_line(const char *text);

/* printf to standard output of texts that are made printable, line by line. */
void output_print(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The same to standard error. */
void output_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);

/*
 * Flushes standard output. Returns `code`, or 1 when not everything could be written: silently when
 * nobody reads any more, else with a message.
 */
int output_end(int code);

/* 1234567 -> "1,234,567". g_free() it. */
char *output_thousands(gint64 number);

/* Bytes with one decimal: "8.0 B", "1.5 KB" … "TB", 1024-based. g_free() it. */
char *output_size(gint64 bytes);
