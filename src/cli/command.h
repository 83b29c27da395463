/*
 * A command of `da`, as data: from these tables come parsing, --help, completion and docs/CLI.md.
 * A command is a file in commands/ (or shares one with the other verbs of its group), a line in
 * commands.h and a row in commands.c.
 *
 * Two programs are made of them. `da` starts at once because it does not load DuckDB (11 ms of the
 * 15 that `da --version` may take). A command that needs DuckDB says `.run = engine_run`, and `da`
 * replaces itself by `da-engine` (installed in libexec/agnes), which parses the same arguments and
 * runs the function that src/cli/engine/main.c names for the command. Code below src/cli/engine/
 *may use src/duck; the rest of src/cli may not. A command may also do its work in `da` and leave a
 * part to the engine: `da query --remote` ends in engine_run() only when it is to run locally.
 *
 *	static const struct argument arguments[] = {
 *		{"TABLE", "Which table"},
 *		{0},
 *	};
 *	static const struct option options[] = {
 *		{"rows", 'n', OPTION_INTEGER, "N", .fallback = "5", .meaning = "How many rows"},
 *		OPTION_JSON,
 *		{0},
 *	};
 *	const struct command command_describe = {
 *		"describe", "Show the columns and some rows of a table",
 *		.arguments = arguments, .options = options, .run = run,
 *	};
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct api;
struct settings;
struct invocation;

/* What a command exits with; a fault of the server may have a code of its own. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAILED = 1,
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_QUOTA = 3,
	EXIT_CODE_SERVER = 5,
	EXIT_CODE_EXISTS = 6,
	EXIT_CODE_LOGIN = 7,
	EXIT_CODE_FORBIDDEN = 8,
	EXIT_CODE_HTTP = 9,
	EXIT_CODE_INTERRUPTED = 130,
};

struct argument {
	const char *name; /* in capitals; the end of the list: NULL */
	const char *meaning;
	bool optional; /* none but the last may be */
};

enum option_type {
	OPTION_FLAG, /* takes no value */
	OPTION_TEXT,
	OPTION_INTEGER,
};

struct option {
	const char *name; /* without dashes; the end of the list: NULL */
	char letter;	  /* of the short form, or 0 */
	enum option_type type;
	const char *metavar;
	const char *meaning;
	const char *variable; /* of the environment, that stands in when the option is missing */
	const char *fallback; /* the value when both are missing */
	const char *words;    /* what it may be, separated by spaces: for help and completion */
	int64_t least;	      /* of an INTEGER; 0: any */
	bool required;
};

/* clang-format off */
#define OPTION_JSON {"json", .meaning = "Print JSON"}
/* clang-format on */

enum command_trait {
	COMMAND_HIDDEN = 1 << 0,  /* not for people: in no help, completion or manual */
	COMMAND_OFFLINE = 1 << 1, /* has nothing to do with a server: no look for updates */
};

struct command {
	const char *path; /* such as "auth token create" */
	const char *summary;
	const char *details;  /* more for --help, or NULL: paragraphs separated by empty lines */
	const char *examples; /* command lines, one a line, or NULL */
	const struct argument *arguments;
	const struct option *options;
	const char *alias; /* another path that works, but is told nowhere */
	unsigned traits;
	int (*run)(struct invocation *invocation); /* returns the exit code */
};

/* Commands that share the first words of their path. */
struct command_group {
	const char *path;
	const char *summary;
	const char *details; /* or NULL */
};

/* The command line that was parsed, and what a command needs from the frame. */

/*
 * What was given for an argument or option, else its variable or fallback, else NULL. Asking for a
 * name that the command does not declare is a mistake that ends the program.
 */
const char *invocation_text(const struct invocation *invocation, const char *name);
int64_t invocation_integer(const struct invocation *invocation, const char *name);
bool invocation_flag(const struct invocation *invocation, const char *name);

/* Whether it stood on the command line. */
bool invocation_given(const struct invocation *invocation, const char *name);

const struct command *invocation_command(const struct invocation *invocation);

/* The configuration and the server; made when first asked for. NULL: an error. */
struct settings *invocation_settings(struct invocation *invocation, GError **error);
struct api *invocation_api(struct invocation *invocation, GError **error);

/* Prints "Error: message" to standard error and returns EXIT_CODE_FAILED. */
int command_fail(const GError *error);

/* Prints the message and returns EXIT_CODE_USAGE, for what only the command can check. */
int command_misuse(const struct invocation *invocation, const char *format, ...)
	G_GNUC_PRINTF(2, 3);

/* Replaces this program by da-engine with the same arguments; returns only on failure. */
int engine_run(struct invocation *invocation);
