/*
 * Calls to HTTP servers. Redirects are never followed, because the headers may hold a token: a 3xx
 * is a status like any other. Proxies are taken from the environment as curl(1) does, and
 * SSL_CERT_FILE, else SSL_CERT_DIR, replace the trusted certificates.
 */
#pragma once

#include "base/cleanup.h"
#include "base/http_reply.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Keeps connections open between calls. One thread at a time; make one a thread. */
struct http_client;

/* `agent` is sent as User-Agent. UNSUPPORTED: this machine has no libcurl. */
struct http_client *http_client_new(const char *agent, GError **error);
void http_client_free(struct http_client *client);
DEFINE_AUTOPTR(http_client)

/* A body of multipart/form-data with one part, a file. */
struct http_file {
	const char *field, *filename;
	const char *type; /* Content-Type */
	int fd;		  /* a regular file, sent from its start to its end; not taken over */
};

struct http_call {
	const char *method; /* NULL: GET */
	const char *url;    /* http: or https: */
	/* "Name: value", NULL-terminated; NULL: none. None of them ever shows in a message. */
	const char *const *headers;
	const void *body; /* NULL: none; its Content-Type is to be among the headers */
	size_t body_size;
	const struct http_file *file; /* instead of a body */
	/* 0: a default. Until connected; without a byte in either direction; for the whole call,
	 * which is bounded only for answers that are kept in memory. */
	int connect_seconds, idle_seconds, total_seconds;
	size_t longest_body; /* of an answer in memory, after decompression; 0: a default */
	/*
	 * Takes the body of a success (2xx) piece by piece as it is sent, uncompressed; the reply
	 * has its status and headers by then. False, with *error set, ends the call. The bodies of
	 * other answers go to memory.
	 */
	bool (*receive)(const struct http_reply *reply, const void *data, size_t size,
			void *receiver, GError **error);
	void *receiver;
	int cancel; /* a descriptor: the call is given up as soon as it is readable; 0: none */
	/*
	 * Where the URL's host is, NULL-terminated, for who has looked it up and looked at what it
	 * found: the name is not looked up again, by this client at least. NULL: it is. A proxy, if
	 * there is one, looks for itself.
	 */
	const char *const *addresses;
};

/*
 * An answer, whatever its status. On failure NULL and
 * - INVALID: no http or https URL;
 * - UNAVAILABLE: no connection came about; whether the server got the call is certain: no;
 * - DENIED: the server's certificate is not trusted, or not for that name;
 * - TIMEOUT: one of the limits;
 * - INTERRUPTED: the connection broke, or what came was no complete answer;
 * - TOO_LARGE: longest_body, or too many headers;
 * - CANCELLED; or what `receive` said.
 * The message names server and path, never the query, the headers or what the URL says of a user.
 */
struct http_reply *http_client_call(struct http_client *client, const struct http_call *call,
				    GError **error);
