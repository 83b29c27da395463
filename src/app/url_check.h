/* Addresses that administrators type and the server will call: not those of its own network. */
#pragma once

#include "http/response.h"

/* NULL if the address may be called; else 400, naming the field. Resolves names, so it may block.
 */
struct http_response *url_check_refuse(const char *field, const char *url);
