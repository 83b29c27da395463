/* One request on its way through the server: made when its headers are in, freed when it is over.
 */
#pragma once

#include "http/private.h"

#include <stdbool.h>

struct http_exchange *http_exchange_new(struct http_server *server,
					struct MHD_Connection *connection, const char *path);
void http_exchange_free(struct http_exchange *exchange);

/*
 * Suspends the connection until http_exchange_resume(), until `fd` can be read (fd < 0: not that),
 * or until the client leaves; the last only wakes what waits for a descriptor, a blocking handler
 * is told through its request instead. False: it cannot be; the connection is as before.
 */
bool http_exchange_suspend(struct http_exchange *exchange, int fd);
void http_exchange_resume(struct http_exchange *exchange);
/* To be called on the event thread once the connection runs again. */
void http_exchange_unwatch(struct http_exchange *exchange);

/* Marks the client as gone and tells the handler. */
void http_exchange_leave(struct http_exchange *exchange);
