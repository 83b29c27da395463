/* The inside of an invocation, for the parser and main(). */
#pragma once

#include "cli/command.h"

struct invocation {
	const struct command *command;
	char **argv;		   /* of the process, for engine_run() */
	GHashTable *values;	   /* name -> char * */
	struct settings *settings; /* NULL until it is asked for */
	struct api *api;	   /* the same */
};

struct invocation *invocation_new(const struct command *command, char **argv);
void invocation_free(struct invocation *invocation);
DEFINE_AUTOPTR(invocation)

/* The value of an argument or option; one that is given again counts. */
void invocation_set(struct invocation *invocation, const char *name, const char *value);

/* Whole numbers only; whether `text` is one. */
bool invocation_parse_integer(const char *text, int64_t *value);
