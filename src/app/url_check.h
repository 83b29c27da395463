/* Addresses that administrators type and the server will call: not those of its own network. */
#pragma once

#include "config/config.h"
#include "http/response.h"

#include <glib.h>

/*
 * NULL if the address may be called; else 400, naming the field. Resolves names, so it may block.
 * `addresses` (may be NULL) gets what was found, for http_call.addresses: a second look could find
 * something else. It is NULL for hosts of AGNES_PRIVATE_HOSTS, which may be anywhere.
 */
struct http_response *url_check_refuse(const struct configuration *config, const char *field,
				       const char *url, char ***addresses);
