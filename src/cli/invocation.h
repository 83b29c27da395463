/* The inside of an invocation, for the parser and main(). */
#pragma once

#include "cli/command.h"

struct invocation {
	const struct command *command;
	char **argv;		   /* of the process, for engine_run() */
	GHashTable *values;	   /* name -> GPtrArray of char *, NULL-terminated */
	struct settings *settings; /* NULL until it is asked for */
	struct api *api;	   /* the same */
};

struct invocation *invocation_new(const struct command *command, char **argv);
void invocation_free(struct invocation *invocation);
DEFINE_AUTOPTR(invocation)

/* One more value for the argument or option. */
void invocation_add(struct invocation *invocation, const char *name, const char *value);

/* Whole numbers only; whether `text` is one. */
bool invocation_parse_integer(const char *text, int64_t *value);
