/*
 * A command of the server program, as data: main() finds it by name, parses its options and derives
 * --help from it. One file a command; main.c holds the table.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What a command exits with, beside codes of its own that its help names. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAILED = 1,
	EXIT_CODE_USAGE = 2,
};

/* What every command is told. */
struct command_context {
	const char *data_dir; /* --data-dir, else $DATA_DIR, else ./data */
};

struct command {
	const char *name;
	const char *arguments; /* as help shows them, such as "[SOURCE]"; "" for none */
	const char *summary;   /* one line */
	const char *details;   /* more for --help, or NULL */
	const char *service;   /* its name in JSON log lines; NULL: agnesd */
	const GOptionEntry *options;
	bool child;	 /* started by other commands, with all that it may know: no .env is read */
	int least, most; /* how many arguments, most < 0: any number */
	/* argv holds the arguments alone. Returns the exit code. */
	int (*run)(const struct command_context *context, int argc, char **argv);
};

/* Prints "agnesd NAME: message" to standard error, frees the error, returns EXIT_CODE_FAILED. */
int command_fail(const struct command *command, GError *error);

/*
 * For commands that need the state to themselves: adds to BUSY what to do instead while the server
 * runs. Takes the error and returns the one to report.
 */
GError *command_explain_use(GError *error, const char *instead);
