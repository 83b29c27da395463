/*
 * What the server and a worker say to each other over a socket pair: JSON objects, each after its
 * length in four bytes (little-endian), the first byte with a descriptor where one is handed over.
 *
 * The server says
 *	{"setup": {…}}	once, see query/engine.h; answered by {"ready": true} or {"error": …}
 *	{"query": {"id", "sql", "format", "limit", "cut_bytes", "cpu_seconds"}} with a pipe that the
 *			result goes to; answered by {"begun": true} when it is taken up, then by
 *			{"done": {"id", "rows", "truncated", "columns"}} or
 *			{"error": {"id", "code", "message"}}. One at a time.
 *	{"cancel": ID}	while that query runs; not answered by itself
 * and closes its end when the worker shall go.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* Longest messages: a statement with every byte escaped, or the names of many tables; and what a
 * worker, which may be in the hands of an attacker, can make the server hold. */
enum { WIRE_TO_WORKER = 8 * 1024 * 1024, WIRE_TO_SERVER = 1024 * 1024 };

/* `descriptor` is sent along unless negative; the caller keeps it. */
bool wire_send(int socket, const json_t *message, int descriptor, GError **error);

/*
 * Waits for a message. UNAVAILABLE: the other side is gone. *descriptor is -1 when none came; where
 * the argument is NULL, none may come.
 */
json_t *wire_receive(int socket, size_t longest, int *descriptor, GError **error);

/* An error as {"code", "message"} and back. A code that does not exist reads as FAILED. */
json_t *wire_pack_error(const GError *error);
void wire_unpack_error(const json_t *packed, GError **error);
