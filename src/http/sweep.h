/*
 * Cutting slow clients. libmicrohttpd's own time-out starts anew with every byte; this one bounds
 * how long a client may take for a whole request, or stay without one.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

struct http_sweeper;
struct http_connection;

struct http_sweeper *http_sweeper_new(void);
/* After every connection was removed. */
void http_sweeper_free(struct http_sweeper *sweeper);

struct http_connection *http_sweeper_add(struct http_sweeper *sweeper, int fd);
void http_sweeper_remove(struct http_sweeper *sweeper, struct http_connection *connection);

/* The connection is closed unless this is called again within `seconds`; 0: it may stay. */
void http_connection_allow(struct http_connection *connection, int64_t seconds);
