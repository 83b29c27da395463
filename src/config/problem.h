/* What is wrong with a configuration, collected so that one look shows everything. */
#pragma once

#include <glib.h>
#include <stdbool.h>

enum config_severity {
	CONFIG_WARNING, /* said loudly; the program runs */
	CONFIG_ERROR,	/* the program does not start */
};

struct config_problem {
	enum config_severity severity;
	char *text; /* "file:line:column: key … what is wrong"; never holds a value */
};

/* Holds struct config_problem. */
GPtrArray *config_problems_new(void);

void config_problems_add(GPtrArray *problems, enum config_severity severity, const char *format,
			 ...) G_GNUC_PRINTF(3, 4);

/* The first error, or NULL. */
const struct config_problem *config_problems_error(const GPtrArray *problems);
