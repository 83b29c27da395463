/* What a trusted proxy in front of the server says about the client. */
#pragma once

#include "http/private.h"

struct http_proxies;

/* The proxies that are trusted: addresses, networks (ADDRESS/BITS), or "*" for any peer. */
struct http_proxies *http_proxies_new(const char *const *trusted, GError **error);
void http_proxies_free(struct http_proxies *proxies);

/* Whether the peer of this address is one of them. Not quick: ask once for each connection. */
bool http_proxies_trust(const struct http_proxies *proxies, const char *address);

/* Takes the client's address, scheme and host from X-Forwarded-*; the peer must be trusted. */
void http_proxy_apply(const struct http_proxies *proxies, struct http_exchange *exchange);
