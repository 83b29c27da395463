/*
 * Routes and their fields as data. From one table of them come routing, 404 and 405, validation
 * with its 422 bodies, and the OpenAPI description.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;
struct http_response;

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHODS };

/* Where a field stands in the request. */
enum http_place {
	HTTP_IN_BODY, /* a member of the JSON object */
	HTTP_IN_QUERY,
	HTTP_IN_PATH, /* a {name} of the pattern; always required */
	HTTP_IN_FORM, /* urlencoded or multipart; empty counts as missing */
	HTTP_IN_FILE, /* a part with a file, see http_request_upload() */
};

enum http_kind {
	HTTP_STRING,
	HTTP_INTEGER, /* also integral floats, numeric strings and booleans */
	HTTP_NUMBER,
	HTTP_BOOLEAN, /* also 0, 1 and the words true, false, yes, no, on, off, t, f, y, n */
	HTTP_STRINGS, /* a list of strings */
	HTTP_LIST,    /* a list of anything */
	HTTP_OBJECT,
	HTTP_ANY,
};

struct http_field {
	const char *name;
	enum http_place place;
	enum http_kind kind;
	bool required;
	bool nullable;
	const char *initial; /* the default as JSON text; NULL: null */
	int64_t least, most; /* bounds of an integer, or of a string's characters; 0, 0: none */
	const char *meaning; /* for the API description */
	/* A rule of its own: NULL if the value is fine, else what is wrong (g_free). */
	char *(*check)(const json_t *value);
};

/* What a route takes as its body. */
enum http_body {
	HTTP_NO_BODY, /* one that comes all the same is read and dropped */
	HTTP_JSON,    /* only with Content-Type application/json or application/…+json */
	HTTP_FORM,    /* urlencoded or multipart */
	HTTP_RAW,     /* bytes, unparsed */
};

/* Whether a handler may wait: inline ones run on the thread that serves all connections. */
enum http_run { HTTP_INLINE, HTTP_BLOCKING };

/* A status that a route answers with, for the API description. */
struct http_answer {
	int status;
	const char *meaning;
};

struct http_route {
	enum http_method method; /* GET answers HEAD as well */
	/* Literal segments, {name} for one segment, {name...} at the end for the rest (may be
	 * empty). */
	const char *pattern;
	int access; /* who may call: the application's own number */
	enum http_run run;
	enum http_body body;
	size_t body_limit;		 /* bytes; 0: the server's default */
	const struct http_field *fields; /* ends with a field without a name; NULL: none */
	const char *tag, *summary;
	const struct http_answer *answers; /* beside 200 and the usual errors; ends with status 0 */
	/* Returns the one response, never NULL. */
	struct http_response *(*handle)(struct http_request *request);
};

const char *http_method_name(enum http_method method);
