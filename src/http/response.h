/*
 * Responses: a status, headers and one of several kinds of body. Constructors never fail. A
 * response belongs to the handler until it is returned.
 */
#pragma once

#include "base/cleanup.h"
#include "http/route.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

struct http_response;

/* Takes over the reference to `value`. */
struct http_response *http_json(int status, json_t *value);
/* JSON that is rendered already, shared rather than copied. */
struct http_response *http_json_bytes(int status, GBytes *text);
/* Takes over `text`. */
struct http_response *http_text(int status, const char *type, char *text);
struct http_response *http_bytes(int status, const char *type, GBytes *bytes);
struct http_response *http_empty(int status);
struct http_response *http_redirect(int status, const char *location);

/* {"detail": message}: how every refusal looks. */
struct http_response *http_refuse(int status, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The same with an object or list as detail; takes over the reference. */
struct http_response *http_refuse_with(int status, json_t *detail);
/* The status that fits the error's code; takes over the error. Internal ones are logged, not told.
 */
struct http_response *http_refuse_error(struct http_request *request, GError *error);
/* 422 with one entry `value_error` at ["body", field] (field NULL: at ["body"]). */
struct http_response *http_invalid(const char *field, const char *format, ...) G_GNUC_PRINTF(2, 3);

/*
 * A file, by an open descriptor that is taken over and whose size is that of fstat(): sendfile,
 * Range, If-Range, If-None-Match. `etag` is given without quotes.
 */
struct http_response *http_file(int fd, const char *type, const char *etag);

/*
 * Relays what can be read from `fd` (a pipe or socket, taken over and made non-blocking) until its
 * end. At the end `finish` says whether the body is complete; if not, the connection is broken, so
 * that no client takes the part for the whole. It is called exactly once, also when the client left
 * early
 * (`left`), and may block only briefly.
 */
struct http_response *http_relay(int status, const char *type, int fd,
				 bool (*finish)(void *data, bool left), void *data);

/*
 * For a relay: a header that comes after the body, because its value is known then. `value` is
 * called with the relay's data just before `finish`; NULL: there is none. `name` is a constant.
 * Clients of HTTP/1.0 do not get it.
 */
void http_response_trailer(struct http_response *response, const char *name,
			   const char *(*value)(void *data));

/* Adds a header. Control characters in the value are dropped: they could forge another header. */
void http_response_header(struct http_response *response, const char *name, const char *value);
int http_response_status(const struct http_response *response);
/* Answers 304 to an If-None-Match that holds `etag` (without quotes) and sends the ETag. */
void http_response_etag(struct http_response *response, const char *etag);
/* Content-Disposition: attachment; with the name quoted safely. */
void http_response_attachment(struct http_response *response, const char *filename);
/* Never compress this one. */
void http_response_plain(struct http_response *response);

void http_response_free(struct http_response *response);
DEFINE_AUTOPTR(http_response)
