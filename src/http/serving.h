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
	struct http_proxies *proxies; /* NULL: none are trusted */
	struct http_router *router;
	struct http_watcher *watcher;
	struct MHD_Daemon *daemon;
	struct http_acceptor *acceptor;
	GThreadPool *pool;
	int port;
	bool own_listener; /* we opened the listening socket */
	_Atomic uint64_t next_id;
	atomic_int under_way; /* requests */
	atomic_bool stopping; /* connections are closed after their request */
	atomic_bool cutting;  /* relays end now, and the pool takes nothing more */
	GMutex lock;
	GCond idle;	     /* signalled when the last request of some kind ended */
	GHashTable *waiting; /* set of exchanges that were suspended once */
	struct http_sweeper *sweeper;
};
