/* Environment variables: those that mean yes or no, and files that set them. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Whether it is set to 1, true or yes, in any case. */
bool environment_flag(const char *name);

/*
 * Takes a line NAME=value apart in place, without the space around either. *name is NULL for a
 * blank line or a comment. False: it is something else.
 */
bool environment_split_line(char *line, const char **name, char **value);

/*
 * Sets what a file such as .env says and the environment does not set to something. A value may
 * stand in quotes as in a shell, with `export` before its name. Not while other threads run. None
 * is fine; DENIED if somebody else could have written the file. Lines that say nothing are told in
 * `problems`, an array of texts.
 */
bool environment_load(const char *path, GPtrArray *problems, GError **error);
