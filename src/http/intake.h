/* What happens to a request before its handler runs: refused by its shape, routed, admitted, read.
 */
#pragma once

#include "http/private.h"

/*
 * Looks at the headers, when they are complete: NULL if the request may go on, else the refusal,
 * which is to be sent after the body, or at once (`now`), closing the connection.
 */
struct http_response *http_intake_headers(struct http_exchange *exchange, const char *method,
					  bool *now);

/* Takes a piece of the body. False: the connection must be cut. */
bool http_intake_body(struct http_exchange *exchange, const char *data, size_t size);

/* After the last byte: fields are validated. NULL if the handler may run, else the refusal. */
struct http_response *http_intake_finish(struct http_exchange *exchange);
