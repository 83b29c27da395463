/* What the files of src/http share about a request under way and a response being made. */
#pragma once

#include "http/request.h"
#include "http/response.h"
#include "http/server.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/types.h>

enum response_kind { RESPONSE_BYTES, RESPONSE_FILE, RESPONSE_RELAY };

struct http_response {
	int status;
	enum response_kind kind;
	GString *headers; /* name NUL value NUL, name NUL value NUL … */
	GBytes *bytes;
	int fd;	    /* of files and relays */
	char *etag; /* without quotes */
	bool never_compressed;
	bool (*finish)(void *data, bool left);
	void *finish_data;
	const char *trailer_name; /* of a relay; NULL: none */
	const char *(*trailer)(void *data);
};

/* The value of a header that the response has, or NULL. */
const char *http_response_lookup(const struct http_response *response, const char *name);

struct http_watch;
struct http_connection;
struct http_form;

enum { HTTP_ID_SIZE = 65 };

struct http_exchange {
	struct http_request request; /* what handlers see */
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_connection *peer;
	char id[HTTP_ID_SIZE];
	char *forwarded; /* the client's address as a trusted proxy tells it */
	char *forwarded_host;
	bool old;	 /* HTTP/1.0: a body of unknown length ends with the connection */
	bool wants_body; /* and the content type fits the route */
	GByteArray *body;
	size_t body_seen;
	size_t body_limit;
	int body_seconds;	/* granted for what was seen */
	struct http_form *form; /* of multipart and urlencoded bodies */
	json_t *path_values;
	struct MHD_Response *reply; /* what is sent, until it is queued */
	bool handled;	/* the request is complete: refused, answered, or with the pool */
	int status;	/* of the reply; 0: there is none yet */
	gint64 started; /* monotonic, microseconds */

	/* While and after the connection was suspended. */
	bool listed;	      /* in server->waiting */
	atomic_bool relaying; /* it waits for a descriptor, not for a handler */
	atomic_bool suspended;
	atomic_bool gone; /* the client left */
	GMutex gone_lock; /* for the two that follow */
	void (*gone_notify)(void *data);
	void *gone_data;
	struct http_watch *left_watch, *readable_watch;
};

/*
 * Makes exchange->reply of the response, which it takes over. On the event thread, or on a pool
 * thread while the connection is suspended: compressing takes its time.
 */
void http_reply_make(struct http_exchange *exchange, struct http_response *response);
/* Sends the reply, on the event thread. */
enum MHD_Result http_reply_queue(struct http_exchange *exchange);
