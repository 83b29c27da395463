/*
 * Accepting connections, on a thread of its own. libmicrohttpd would do it, but its way to stop
 * accepting before it stops serving (MHD_quiesce_daemon) races with its own threads and aborts.
 */
#pragma once

#include <glib.h>
#include <microhttpd.h>

struct http_acceptor;

/* Hands what connects to `listener` to the daemon, while fewer than `limit` connections are open.
 */
struct http_acceptor *http_acceptor_new(int listener, int limit, struct MHD_Daemon *daemon,
					GError **error);
void http_acceptor_start(struct http_acceptor *acceptor);
/* No connection is accepted after it returned. */
void http_acceptor_stop(struct http_acceptor *acceptor);
/* When no connection is left: they call the next. */
void http_acceptor_free(struct http_acceptor *acceptor);

/* To be called for every connection that was closed; from any thread. */
void http_acceptor_closed(struct http_acceptor *acceptor);
int http_acceptor_count(const struct http_acceptor *acceptor);
