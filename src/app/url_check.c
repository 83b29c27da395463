/* Refusing addresses of private and reserved networks. */
#include "app/url_check.h"

#include <gio/gio.h>
#include <string.h>

/* What GLib does not count as local: shared addresses of carriers, and the protocol's own. */
static const char *const more_networks[] = {"100.64.0.0/10", "0.0.0.0/8",   "192.0.0.0/24",
					    "198.18.0.0/15", "240.0.0.0/4", "64:ff9b::/96",
					    "2001:db8::/32"};

static bool in_networks(GInetAddress *address)
{
	for (size_t i = 0; i < G_N_ELEMENTS(more_networks); i++) {
		g_autoptr(GInetAddressMask)
			mask = g_inet_address_mask_new_from_string(more_networks[i], NULL);
		if (g_inet_address_mask_matches(mask, address))
			return true;
	}
	return false;
}

/* ::ffff:10.0.0.0 is 10.0.0.0. */
static GInetAddress *unmapped(GInetAddress *address)
{
	static const guint8 prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const guint8 *bytes = g_inet_address_to_bytes(address);
	if (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6 &&
	    memcmp(bytes, prefix, sizeof prefix) == 0)
		return g_inet_address_new_from_bytes(bytes + sizeof prefix, G_SOCKET_FAMILY_IPV4);
	return g_object_ref(address);
}

static bool is_reserved(GInetAddress *given)
{
	g_autoptr(GInetAddress) address = unmapped(given);
	return g_inet_address_get_is_any(address) || g_inet_address_get_is_loopback(address) ||
	       g_inet_address_get_is_link_local(address) ||
	       g_inet_address_get_is_site_local(address) ||
	       g_inet_address_get_is_multicast(address) || in_networks(address) ||
	       (g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6 &&
		(g_inet_address_to_bytes(address)[0] & 0xfe) == 0xfc);
}

struct http_response *url_check_refuse(const char *field, const char *url)
{
	static const char reserved[] = "must not point to a private or reserved network";
	g_autoptr(GUri) parsed = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
	const char *host = parsed ? g_uri_get_host(parsed) : NULL;
	if (!parsed)
		return http_refuse(400, "Invalid %s: not a valid URL", field);
	if (!host || !*host)
		return http_refuse(400, "Invalid %s: missing hostname", field);
	if (g_ascii_strcasecmp(g_uri_get_scheme(parsed), "https") != 0)
		return http_refuse(400, "Invalid %s: must start with https://", field);
	if (g_ascii_strcasecmp(host, "localhost") == 0 ||
	    g_ascii_strcasecmp(host, "localhost.localdomain") == 0)
		return http_refuse(400, "Invalid %s: %s", field, reserved);
	g_autoptr(GResolver) resolver = g_resolver_get_default();
	GList *addresses = g_resolver_lookup_by_name(resolver, host, NULL, NULL);
	bool bad = false;
	for (GList *at = addresses; at; at = at->next)
		bad |= is_reserved(at->data);
	bool found = addresses != NULL;
	g_resolver_free_addresses(addresses);
	if (!found)
		return http_refuse(400, "Invalid %s: could not resolve hostname", field);
	return bad ? http_refuse(400, "Invalid %s: %s", field, reserved) : NULL;
}
