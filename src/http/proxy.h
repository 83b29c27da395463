/* What a trusted proxy in front of the server says about the client. */
#pragma once

#include "http/private.h"

struct http_proxies;

/* The proxies that are trusted: addresses, networks (ADDRESS/BITS), or "*" for any peer. */
struct http_proxies *http_proxies_new(const char *const *trusted, GError **error);
void http_proxies_free(struct http_proxies *proxies);

/* Takes the client's address, scheme and host from X-Forwarded-* when the peer is trusted. */
void http_proxy_apply(const struct http_proxies *proxies, struct http_exchange *exchange);
