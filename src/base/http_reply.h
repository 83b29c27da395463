/* What an HTTP server answered to a call, see base/http_client.h. */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct http_reply {
	int status;
	GHashTable *headers; /* use http_reply_header() */
	GBytes *body;	     /* decoded; empty if it went to the call's receiver */
};

/* A header by its name, in any case: the first of that name, or NULL. */
const char *http_reply_header(const struct http_reply *reply, const char *name);

/* Whether the status is one of success: 200 to 299. */
static inline bool http_reply_is_fine(const struct http_reply *reply)
{
	return reply->status >= 200 && reply->status < 300;
}

void http_reply_free(struct http_reply *reply);
DEFINE_AUTOPTR(http_reply)

/* For base/http_client.c: an empty one, and a header's line as it comes, a status line included. */
struct http_reply *http_reply_new(void);
void http_reply_take_line(struct http_reply *reply, const char *line, size_t size);
