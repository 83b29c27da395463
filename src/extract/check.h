/* Reads what is published and says what is broken: the parts of `agnesd check` for tables and
 * extracts. */
#pragma once

#include "extract/publish.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Every table of every index must have its file, whole, readable as parquet in a sandboxed child,
 * and as the index describes it; and every source's last publication must have succeeded. `deep`
 * also hashes each file and reads every value. Adds a line for each thing that is broken to
 * `problems` (of char *) and puts a line about the whole into *summary; false only when the
 * examination itself was not possible.
 */
bool published_check(const char *data_dir, bool deep, const struct publish_limits *limits,
		     GPtrArray *problems, char **summary, GError **error);

/* The same of extracts/: databases open, no file is half written, rejected rows can be read. */
bool extracts_check(const char *data_dir, bool deep, const struct publish_limits *limits,
		    GPtrArray *problems, char **summary, GError **error);

/* The child's side: the whole life of `agnesd inspect-tables`. */
void inspect_run(void) G_GNUC_NORETURN;
