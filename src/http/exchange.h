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
 * is told through its request instead. Always the same `fd` for one exchange. False: it cannot be
 * waited for; the connection runs on.
 */
bool http_exchange_suspend(struct http_exchange *exchange, int fd);
void http_exchange_resume(struct http_exchange *exchange);

/* Marks the client as gone and tells the handler; wakes what waits for a descriptor. */
void http_exchange_leave(struct http_exchange *exchange);
