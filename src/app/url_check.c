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

static bool is_exempt(const struct configuration *config, const char *host)
{
	size_t index;
	json_t *name;
	json_array_foreach((json_t *)config_list(config, "AGNES_PRIVATE_HOSTS"), index, name)
	{
		if (g_ascii_strcasecmp(json_string_value(name), host) == 0)
			return true;
	}
	return false;
}

/* The addresses of the host, NULL: it has none; *reserved: one of them must not be called. */
static char **look_up(const char *host, bool *reserved)
{
	g_autoptr(GResolver) resolver = g_resolver_get_default();
	g_autoptr(GPtrArray) texts = g_ptr_array_new();
	GList *found = g_resolver_lookup_by_name(resolver, host, NULL, NULL);
	for (GList *at = found; at; at = at->next) {
		*reserved |= is_reserved(at->data);
		g_ptr_array_add(texts, g_inet_address_to_string(at->data));
	}
	g_resolver_free_addresses(found);
	if (texts->len == 0)
		return NULL;
	g_ptr_array_add(texts, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
}

struct http_response *url_check_refuse(const struct configuration *config, const char *field,
				       const char *url, char ***addresses)
{
	static const char hidden[] = "must not point to a private or reserved network";
	g_autoptr(GUri) parsed = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
	const char *host = parsed ? g_uri_get_host(parsed) : NULL;
	bool reserved = false;
	if (!parsed)
		return http_refuse(400, "Invalid %s: not a valid URL", field);
	if (!host || !*host)
		return http_refuse(400, "Invalid %s: missing hostname", field);
	if (g_ascii_strcasecmp(g_uri_get_scheme(parsed), "https") != 0)
		return http_refuse(400, "Invalid %s: must start with https://", field);
	if (is_exempt(config, host))
		return NULL;
	if (g_ascii_strcasecmp(host, "localhost") == 0 ||
	    g_ascii_strcasecmp(host, "localhost.localdomain") == 0)
		return http_refuse(400, "Invalid %s: %s", field, hidden);
	g_auto(GStrv) found = look_up(host, &reserved);
	if (!found)
		return http_refuse(400, "Invalid %s: could not resolve hostname", field);
	if (reserved)
		return http_refuse(400, "Invalid %s: %s", field, hidden);
	if (addresses)
		*addresses = g_steal_pointer(&found);
	return NULL;
}
