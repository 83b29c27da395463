/* The server's own state, shared by the files that make it up. */
#pragma once

#include "http/private.h"
#include "http/router.h"
#include "http/watch.h"

#include <glib.h>
#include <microhttpd.h>
#include <stdatomic.h>

struct http_server {
	struct http_options options; /* strings and lists are copies */
	struct http_application application;
	struct http_router *router;
	struct http_watcher *watcher;
	struct MHD_Daemon *daemon;
	GThreadPool *pool;
	int port;
	atomic_int connections;
	atomic_bool stopping; /* no new requests */
	atomic_bool cutting;  /* relays end now */
	GMutex lock;
	GCond idle;	      /* signalled when the last request ended */
	GHashTable *requests; /* set of exchanges under way */
	struct http_sweeper *sweeper;
};
