/*
 * The server's API. A call is one line for most commands: what to ask, and what to say when it
 * fails. Redirects are not followed; a token is sent to the server of the settings only.
 */
#pragma once

#include "base/cleanup.h"
#include "base/http_client.h"
#include "base/json.h"
#include "cli/command.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct api;

/* Opens no connection yet. `token` may be NULL. */
struct api *api_new(const char *server, const char *token, GError **error);
void api_free(struct api *api);
DEFINE_AUTOPTR(api)

const char *api_server(const struct api *api);

/* For calls that are made without it: the headers that say who asks, NULL-terminated. */
const char *const *api_headers(const struct api *api);

#define API_AGENT "da/" AGNES_VERSION

/* What a fault exits with. */
enum api_codes {
	API_CODES_PLAIN,   /* always 1 */
	API_CODES_CATALOG, /* always 5 */
	API_CODES_V2,	   /* 5 for 500 and above, 8 for 403, else 2 */
	API_CODES_FETCH,   /* 400→2, 401→7, 403 and 404→8, 429→3, 500→5, else 9 */
};

/* In api_call.seconds; 0 is API_SECONDS. */
enum {
	API_SECONDS = 30,
	API_SECONDS_CONNECT = 10,
	API_SECONDS_VERIFY = 15,
	API_SECONDS_ESTIMATE = 120,
	API_SECONDS_PUSH = 660,	 /* the server gives its source ten minutes */
	API_SECONDS_QUERY = 600, /* of silence: a query may take long to say its first word */
	API_LONGEST = 64 * 1024 * 1024,
};

struct api_call {
	const char *method;	      /* NULL: GET, or POST when there is a body */
	const char *path;	      /* from the server's root on, escaped: see api_path() */
	json_t *body;		      /* borrowed; NULL: none */
	const struct http_file *file; /* instead of a body: one part of a form */
	const char *accept;	      /* NULL: JSON */
	bool is_large;	  /* a success is left as text, which is JSON in its outlines at least */
	const char *etag; /* of what is known already, for If-None-Match; or NULL */
	int seconds;	  /* without a byte */
	size_t longest;	  /* bytes of the answer; 0: API_LONGEST */

	/* For api_ask(): */
	const char *failure; /* how its message starts; NULL: "Failed" */
	enum api_codes codes;
	int also_fine; /* a status beyond 200 to 299 that the command handles itself; 0: none */

	/* Takes the body of a success piece by piece; see http_call.receive. */
	bool (*receive)(const struct http_reply *reply, const void *data, size_t size,
			void *receiver, GError **error);
	void *receiver;
};

struct api_reply {
	int status;
	char *body; /* NUL-terminated */
	size_t size;
	json_t *json; /* NULL: the body is no JSON, or large; numbers beyond 64 bits have become
			 reals */
	struct http_reply *reply;
};

void api_reply_free(struct api_reply *reply);
DEFINE_AUTOPTR(api_reply)

/* An answer of any status. NULL: none came, as http_client_call() says. */
struct api_reply *api_send(struct api *api, const struct api_call *call, GError **error);

/*
 * Asks and reports: EXIT_CODE_OK and a reply of success (or `also_fine`) that is JSON unless it is
 * empty, `accept` says otherwise, or it went to `receive`; else the exit code, after the message
 * was printed to standard error.
 */
int api_ask(struct invocation *invocation, const struct api_call *call, struct api_reply **reply);

/* The detail of a reply that is no success: text as it is, else compact JSON, else the raw body.
 * g_free() it. */
char *api_detail(const struct api_reply *reply);

/* What `codes` make of a status. */
int api_exit_code(enum api_codes codes, int status);

/*
 * A path with each {} replaced by the next text, percent-encoded; {/} lets its slashes stand.
 * NULL ends the texts. g_free() it.
 */
char *api_path(const char *pattern, ...) G_GNUC_NULL_TERMINATED;

/* Appends name=value, percent-encoded, to a path; nothing when the value is NULL. */
void api_add_query(GString *path, const char *name, const char *value);
