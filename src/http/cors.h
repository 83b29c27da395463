/* Cross-origin rules: which origins a browser may call from. */
#pragma once

#include "http/private.h"

/* The answer to a preflight request, or NULL if this is none. */
struct http_response *http_cors_preflight(const struct http_exchange *exchange, const char *method);
/* Adds the headers that an answer to another origin needs. */
void http_cors_headers(const struct http_exchange *exchange, struct http_response *response);
