/* Reads everything in a state database and says what is broken. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * Examines a copy, so that the file stays as it is: every value of every table is read, every row
 * must be found by each of its keys, and what refers to a group must find it. A line for each thing
 * that is broken is added to `problems` (of char *), a line about the whole is put into *summary.
 * False only when the examination itself was not possible, such as BUSY while a server runs.
 */
bool state_check(const char *data_dir, GPtrArray *problems, char **summary, GError **error);

/* Opens a database for reading and reads every value; false with CORRUPT when one cannot be read.
 */
bool state_check_readable(const char *path, GError **error);
