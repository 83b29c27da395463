/*
 * A request as a handler sees it: routed, admitted and validated. It lives until its response is
 * sent; nothing of it may be kept longer. One thread at a time works on it.
 */
#pragma once

#include "http/route.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct http_exchange; /* how the server keeps the request: private to src/http */

/* A file that came in a multipart body. */
struct http_upload {
	const char *field;
	const char *filename; /* as the client named it: hostile */
	const char *type;     /* Content-Type of the part, or NULL */
	int fd; /* an unlinked temporary file, at its start; closed with the request */
	uint64_t size;
};

struct http_request {
	const char *id; /* X-Request-ID: the client's, cleaned, or a new one */
	enum http_method method;
	bool head;	  /* HEAD: the handler answers as for GET, the body is not sent */
	const char *path; /* percent-decoded */
	const struct http_route *route;
	const char *address; /* of the client, as far as the trusted proxies tell */
	const char *host;    /* that the client asked for, told likewise; NULL: it named none */
	bool secure;	     /* TLS here or at a trusted proxy */
	json_t *fields;	     /* every declared field: its value, its default or null */
	GBytes *body;	     /* of HTTP_RAW and HTTP_JSON routes, else NULL */
	void *application;   /* what http_application.data is */
	void *caller;	     /* set by the application's admit() */
	GDestroyNotify caller_free;
	struct http_exchange *exchange;
};

/* First header or cookie of that name, or NULL. */
const char *http_request_header(const struct http_request *request, const char *name);
char *http_request_cookie(const struct http_request *request, const char *name);

/*
 * Whether a program of this machine asks: a loopback address, and no sign of a proxy that is not
 * trusted to say for whom it asks.
 */
bool http_request_is_local(const struct http_request *request);

/* Values of declared fields. Asking for one that the route does not declare is a bug and aborts. */
json_t *http_request_value(const struct http_request *request, const char *name); /* borrowed */
const char *http_request_text(const struct http_request *request,
			      const char *name);				/* NULL: null */
int64_t http_request_int(const struct http_request *request, const char *name); /* 0: null */
bool http_request_bool(const struct http_request *request, const char *name);	/* false: null */
const struct http_upload *http_request_upload(const struct http_request *request, const char *name);

/* Whether the client went away while a blocking handler works. Cheap; from any thread. */
bool http_request_gone(const struct http_request *request);
/* Has `notify` called once, on another thread, when the client goes away before the answer. It must
 * be brief and call nothing of src/http. */
void http_request_on_gone(struct http_request *request, void (*notify)(void *data), void *data);
