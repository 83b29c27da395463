/* SQL text without its comments, as DuckDB's scanner sees them. */
#pragma once

/*
 * The text with a blank in place of every comment and without the semicolons at its end. NULL: a
 * literal, a quoted name or a comment is never closed.
 */
char *sql_strip_comments(const char *sql);
