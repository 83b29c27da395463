/*
 * Where a form comes from. A browser says so, by Sec-Fetch-Site where the connection is TLS or
 * local and by Origin everywhere: a form on another site must not sign anybody in, nor have mail
 * sent.
 */
#pragma once

#include "http/request.h"
#include "http/response.h"

/* The answer 403 to a form of another site; NULL: it is ours, or no browser sent it. */
struct http_response *origin_refuse_other(const struct http_request *request);
