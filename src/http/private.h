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
	GPtrArray *headers; /* name, value, name, value … */
	GBytes *bytes;
	int fd;	    /* of files and relays */
	char *etag; /* without quotes */
	bool never_compressed;
	bool (*finish)(void *data, bool left);
	void *finish_data;
};

/* Who waits for something while a connection is suspended; see watch.h. */
struct http_watch;
struct http_connection;
struct http_form;

struct http_exchange {
	struct http_request request; /* what handlers see */
	struct http_server *server;
	struct MHD_Connection *connection;
	struct http_connection *deadline;
	char id[65];
	char address[64];
	char *path;
	bool wants_body; /* and the content type fits the route */
	GByteArray *body;
	size_t body_seen;
	size_t body_limit;
	struct http_form *form; /* of multipart and urlencoded bodies */
	json_t *path_values;
	json_t *query_values;
	struct http_response *response; /* what the handler answered, until it is queued */
	bool handled;			/* the handler ran or was handed to the pool */
	int status;
	gint64 started; /* monotonic, microseconds */
	atomic_bool suspended;
	atomic_bool gone; /* the client left */
	GMutex gone_lock; /* for the two that follow */
	void (*gone_notify)(void *data);
	void *gone_data;
	struct http_watch *left_watch, *readable_watch; /* while suspended */
};

/* Turns the response into what libmicrohttpd sends, and queues it. Takes the response over. */
enum MHD_Result http_send(struct http_exchange *exchange, struct http_response *response);
