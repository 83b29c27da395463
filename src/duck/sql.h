/*
 * SQL text from pieces that cannot be bound as parameters: names of tables and columns, paths,
 * values in DDL. This is the one place that quotes.
 */
#pragma once

#include <glib.h>

/*
 * Formats SQL. Conversions: %I an identifier, quoted; %L a string literal, quoted (NULL pointer:
 * the word NULL); %S a fragment of SQL that is ours or was made by duck_sql(); %d an int; %l a
 * gint64;
 * %% a percent sign. Anything else aborts: the format is always a constant of ours.
 */
char *duck_sql(const char *format, ...) G_GNUC_WARN_UNUSED_RESULT;
void duck_sql_append(GString *sql, const char *format, ...);
