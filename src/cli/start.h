/* What `da` and `da-engine` do alike when they start. */
#pragma once

#include "cli/parse.h"

/* Locale and signals: Ctrl-C exits with 130, a closed pipe is an error of write() and no signal. */
void start_program(void);

/* Says how the command is used and what was wrong. Returns the exit code. */
int start_misuse(const struct parsed *parsed);

/* Where da-engine is. g_free() it. */
char *start_engine_path(void);
