/*
 * Waiting for descriptors on behalf of suspended connections: for a pipe to become readable, or for
 * a client to leave. libmicrohttpd looks at neither while a connection is suspended.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct http_watcher;
struct http_watch;

struct http_watcher *http_watcher_new(GError **error);
/* After every watch was removed. */
void http_watcher_free(struct http_watcher *watcher);
DEFINE_AUTOPTR(http_watcher)

enum http_watch_for { HTTP_WATCH_READABLE, HTTP_WATCH_LEFT };

/*
 * Has `call` run once, on the watcher's thread, when it happens. NULL: the descriptor cannot be
 * watched.
 */
struct http_watch *http_watch_add(struct http_watcher *watcher, int fd, enum http_watch_for what,
				  void (*call)(void *data), void *data);
/* Once more. To be called when `call` ran. False: it cannot be watched any more. */
bool http_watch_again(struct http_watcher *watcher, struct http_watch *watch);
/* After it returned, `call` does not run and will not. Not to be used inside `call`. */
void http_watch_remove(struct http_watcher *watcher, struct http_watch *watch);
