/*
 * Environment variables, and behind them the secrets that the admin pages saved in
 * DATA_DIR/state/.env_overlay: lines NAME=value. A variable that the environment sets to something
 * wins; one that it sets to nothing, as "NAME=" in a .env file does, does not. Reading them changes
 * nothing in the process's own environment: children inherit no secret.
 */
#pragma once

#include "base/cleanup.h"

struct variables;

/* The file, and how large it may be. g_free() the path. */
enum { VARIABLES_LONGEST = 1024 * 1024 };
char *variables_path(const char *data_dir);

/* Problems (struct config_problem) are added to `problems`; a missing file is none. */
struct variables *variables_new(const char *data_dir, GPtrArray *problems);
void variables_free(struct variables *environment);
DEFINE_AUTOPTR(variables)

/* The value; NULL if the variable is not set. Valid as long as the environment is. */
const char *variables_get(const struct variables *environment, const char *name);
