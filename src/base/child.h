/*
 * A child process of this program that answers one request: JSON on a line in, JSON objects a line
 * each out. Parent and child trust each other's words as little as those of a stranger.
 */
#pragma once

#include "base/cleanup.h"
#include "base/json.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The parent's side. */

struct child;

struct child_options {
	const char *command; /* of agnesd */
	const char *what;    /* for messages: "its reader" */
	int seconds;	     /* the time until its last answer */
	size_t longest_line; /* bytes */
	size_t longest_answer;
	int nice; /* added to our own niceness */
};

/* Starts `agnesd COMMAND`, with an empty environment, and tells it `request`. */
struct child *child_start(const struct child_options *options, const json_t *request,
			  GError **error);
/* Kills it at once, so that child_next() ends; from any thread, while nobody frees it. */
void child_kill(struct child *child);

/* Kills it if it still runs. */
void child_free(struct child *child);
DEFINE_AUTOPTR(child)

/*
 * The next answer, to be freed with json_decref(); NULL at the end, and with *error set on failure.
 * INVALID: not an object.
 */
json_t *child_next(struct child *child, GError **error);

/* To be asked after its last answer, when more was expected: "was killed by signal 9 (Killed)". */
char *child_end_text(struct child *child);

/* The child's side; standard input is a socket that is closed when the parent dies. */

/* The request; INVALID when somebody started the command by hand. */
json_t *child_read_request(GError **error);

/* Writes one answer, which it takes over. Ends the process when nobody listens any more. */
void child_answer(json_t *answer);

/* The error as one line of valid UTF-8; DuckDB adds the statement, which is no news. */
char *child_error_text(const GError *error);
