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
	int kept_mb; /* of address space that it may keep from query to query */
	int threads;
	int landlock; /* SANDBOX_ANY_LANDLOCK but in tests */
};

struct query_child;

/* Starts a worker that waits to learn its tables; does not wait for it. */
struct query_child *query_child_start(const struct query_child_options *options, GError **error);
/* Tells it its tables and waits until it is ready. UNAVAILABLE: it died. */
bool query_child_open(struct query_child *child, struct query_source *source, GError **error);
/* Kills it and removes its folder. */
void query_child_free(struct query_child *child);
DEFINE_AUTOPTR(query_child)

pid_t query_child_pid(const struct query_child *child);
int query_child_socket(const struct query_child *child);
/* Where the worker's results come from; reading does not block. */
int query_child_pipe(const struct query_child *child);

bool query_child_is_alive(const struct query_child *child);

/* UNAVAILABLE: it is dead. */
bool query_child_send(struct query_child *child, const json_t *message, GError **error);

/*
 * The next message and the bytes behind it, which must be there or on its way. UNAVAILABLE: it died
 * without having read what was sent. Else of a dead worker: how it ended.
 */
json_t *query_child_receive(struct query_child *child, GBytes **bytes, GError **error);

/* Has it stop the query of that id. */
void query_child_cancel(struct query_child *child, int64_t id);

/* Kills it. From any thread. */
void query_child_kill(struct query_child *child);

/* Whether it kept so much address space after a query that another should take its place. */
bool query_child_is_bloated(const struct query_child *child);
