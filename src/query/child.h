/*
 * A query worker as the server holds it: the process, its socket, its private folder. One thread
 * uses it at a time. Whatever it says is checked: a query may have taken it over.
 */
#pragma once

#include "base/cleanup.h"
#include "base/process.h"
#include "query/source.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct query_child_options {
	const char *program;	 /* PROCESS_SELF, or a path */
	const char *const *argv; /* NULL-terminated */
	const char *temporary;	 /* the folder in which each worker gets one of its own */
	int memory_mb;
	int temporary_mb;
	int address_space_mb;
	int threads;
	int landlock; /* SANDBOX_ANY_LANDLOCK but in tests */
};

struct query_child;

/* Starts a worker and waits until it is ready. */
struct query_child *query_child_start(const struct query_child_options *options,
				      struct query_source *source, GError **error);
/* Kills it and removes its folder. */
void query_child_free(struct query_child *child);
DEFINE_AUTOPTR(query_child)

struct query_source *query_child_source(const struct query_child *child);
pid_t query_child_pid(const struct query_child *child);
int query_child_socket(const struct query_child *child);

bool query_child_is_alive(const struct query_child *child);

/* UNAVAILABLE: it is dead. */
bool query_child_send(struct query_child *child, const json_t *message, int pipe, GError **error);

/* The next message, which must be there or on its way. A dead worker: how it ended. */
json_t *query_child_receive(struct query_child *child, GError **error);

/* Kills it. From any thread. */
void query_child_kill(struct query_child *child);

/* Whether its memory stayed so large after a query that another worker should take its place. */
bool query_child_is_bloated(const struct query_child *child);
