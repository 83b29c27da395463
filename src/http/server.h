/*
 * The HTTP server: listens, parses, routes, validates, runs handlers and sends what they answer. It
 * knows nothing of what it serves: the application is a table of routes and a few functions.
 *
 * Threads: one or more event threads do all input and output and run the inline handlers; blocking
 * handlers run on a pool while their connection is suspended. admit() and finished() run on either
 * and must not block.
 */
#pragma once

#include "base/cleanup.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"

#include <glib.h>
#include <stdbool.h>

struct http_application {
	const char *title, *description, *version; /* for the API description */
	const struct http_route *routes;
	size_t route_count;
	/* By http_route.access, who may call, in words; NULL for anybody. For the API description.
	 */
	const char *const *access_meanings;
	void *data;
	/*
	 * Decides by the headers alone, before the body is read, who calls and whether they may:
	 * sets request->caller and returns NULL, or returns the refusal.
	 */
	struct http_response *(*admit)(struct http_request *request);
	/* May replace a refusal (by an HTML page, by a redirect to a login form). Optional. */
	struct http_response *(*dress)(struct http_request *request,
				       struct http_response *response);
	/* Called once for each request, when its last byte was sent or the client left. Optional.
	 */
	void (*finished)(const struct http_request *request, int status, uint64_t microseconds);
};

struct http_options {
	const char *host;		 /* address or name to listen on; NULL: loopback */
	int port;			 /* 0: any free one */
	int listen_fd;			 /* a listening socket to use instead (taken over), or -1 */
	int event_threads;		 /* 0: as many as there are cores */
	int blocking_threads;		 /* 0: a default */
	int connection_limit;		 /* 0: a default */
	size_t body_limit;		 /* default of the routes; 0: a default */
	const char *const *cors_origins; /* NULL-terminated, "*" allows any; NULL: none */
	/* Addresses and networks (ADDRESS/BITS) whose X-Forwarded-* count; "*": all; NULL: none. */
	const char *const *trusted_proxies;
	/* What a client may take; 0: a default. */
	int header_seconds; /* for the headers of a request */
	int idle_seconds;   /* without a request, or without taking a byte of the answer */
	int body_seconds;   /* for a body, and more of them by this many bytes a second: */
	int slowest_body;
	const char *const *never_compressed;   /* path prefixes; NULL: none */
	const char *tls_certificate, *tls_key; /* PEM texts; NULL: plain HTTP */
};

struct http_server;

struct http_server *http_server_start(const struct http_options *options,
				      const struct http_application *application, GError **error);
int http_server_port(const struct http_server *server);

/*
 * Stops accepting, lets running requests finish for at most `drain_seconds`, then cuts the rest.
 * Returns when no handler runs any more.
 */
void http_server_stop(struct http_server *server, int drain_seconds);
/* After http_server_stop(). */
void http_server_free(struct http_server *server);
DEFINE_AUTOPTR(http_server)

/* How many connections are open and requests under way: for metrics. */
void http_server_load(const struct http_server *server, int *connections, int *requests);
