/*
 * What the server knows of an open connection, and the cutting of slow clients. libmicrohttpd's own
 * time-out starts anew with every byte; this one bounds how long a client may take for a whole
 * request, or stay without one. It counts in whole seconds.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/socket.h>

struct http_sweeper;
struct http_connection;

struct http_sweeper *http_sweeper_new(void);
/* After every connection was removed. */
void http_sweeper_free(struct http_sweeper *sweeper);

struct http_connection *http_sweeper_add(struct http_sweeper *sweeper, int fd,
					 const struct sockaddr *address);
void http_sweeper_remove(struct http_sweeper *sweeper, struct http_connection *connection);

/* The connection is closed unless this is called again within `seconds`; 0: it may stay. */
void http_connection_allow(struct http_connection *connection, int seconds);
/* Grants some seconds more. */
void http_connection_extend(struct http_connection *connection, int seconds);

/* The peer's address as text; "" if it has none. */
const char *http_connection_address(const struct http_connection *connection);

/* Whether the peer is a proxy that is trusted; not, until it is said before the first request. */
void http_connection_trust(struct http_connection *connection, bool trusted);
bool http_connection_is_trusted(const struct http_connection *connection);
