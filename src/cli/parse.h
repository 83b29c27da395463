/*
 * From a command line to an invocation, by the tables alone. Options may stand anywhere, as
 * `--name value` or `--name=value`; names are never abbreviated; `--` ends them.
 */
#pragma once

#include "cli/command.h"

enum parse_outcome {
	PARSE_RUN,     /* `invocation` is there */
	PARSE_HELP,    /* somebody asked for help on `path` */
	PARSE_VERSION, /* or for the version */
	PARSE_WRONG,   /* `problem` says what is wrong with the use of `path` */
};

struct parsed {
	enum parse_outcome outcome;
	char *path; /* as far as it is known: "", a group or a command */
	char *problem;
	struct invocation *invocation;
};

/* `argv` must outlive the result. */
void parse(struct parsed *parsed, int argc, char **argv);
void parsed_clear(struct parsed *parsed);
DEFINE_AUTO(parsed)

/* The command of that path or alias; NULL if there is none. */
const struct command *parse_find_command(const char *path);

/* Whether `path` lies below the group `group` ("": the top), and directly so. */
bool parse_is_member(const char *path, const char *group);
