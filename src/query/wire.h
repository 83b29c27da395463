/*
 * What the server and a worker say to each other over a socket pair: a JSON object with some bytes
 * behind it, after the lengths of both in four bytes each (little-endian). Each side waits for the
 * other's message before it sends the next.
 *
 * The server says
 *	{"prepare": {…}}  first, see query/engine.h
 *	{"setup": {…}}	  then, the same; both are answered by {"ready": true} or {"error": …}
 *	{"query": {"id", "sql" or "scan", "format", "limit", "cut_bytes", "cpu_seconds"}}, answered
 *			  by {"done": {"id", "rows", "truncated", "cut", "columns"}} or
 *			  {"error": {"id", "code", "message", "rejection"}}. What a result has
 *			  beyond 64 KiB went through a pipe before; the rest is behind the answer.
 * and closes its end when the worker shall go. Cancelling has a pipe of its own: eight bytes, the
 * id of the query, while that runs.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Longest messages: a statement with every byte escaped, or the names of many tables; and what a
 * worker, which may be in the hands of an attacker, can make the server hold. */
enum { WIRE_TO_WORKER = 8 * 1024 * 1024, WIRE_TO_SERVER = 1024 * 1024 };

/*
 * Both take `milliseconds` in all, however small the parts in which the other side reads or writes;
 * then TIMEOUT.
 */
enum { WIRE_FOREVER = -1 };

/* UNAVAILABLE: the other side is gone. */
bool wire_send(int socket, const json_t *message, const void *bytes, size_t size, int milliseconds,
	       GError **error);

/*
 * Waits for a message. *bytes is NULL when there are none; where the argument is NULL, none may
 * come. UNAVAILABLE: the other side went without having read what was sent last. FAILED: it went.
 */
json_t *wire_receive(int socket, size_t longest, int milliseconds, GBytes **bytes, GError **error);

/* An error as {"code", "message"} and back. A code that does not exist reads as FAILED. */
json_t *wire_pack_error(const GError *error);
void wire_unpack_error(const json_t *packed, GError **error);
