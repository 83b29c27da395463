/* X-Forwarded-For, -Proto and -Host: believed as far as trusted proxies wrote them. */
#include "http/proxy.h"

#include "base/error.h"

#include <gio/gio.h>
#include <string.h>

enum { MOST_HOPS = 32 };

struct http_proxies {
	GPtrArray *masks; /* GInetAddressMask */
	bool any;
};

struct http_proxies *http_proxies_new(const char *const *trusted, GError **error)
{
	struct http_proxies *proxies = g_new0(struct http_proxies, 1);
	proxies->masks = g_ptr_array_new_with_free_func(g_object_unref);
	for (; *trusted; trusted++) {
		if (strcmp(*trusted, "*") == 0) {
			proxies->any = true;
			continue;
		}
		GInetAddressMask *mask = g_inet_address_mask_new_from_string(*trusted, NULL);
		if (!mask) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "'%s' is neither an address nor a network (ADDRESS/BITS) of "
				    "trusted proxies",
				    *trusted);
			http_proxies_free(proxies);
			return NULL;
		}
		g_ptr_array_add(proxies->masks, mask);
	}
	return proxies;
}

void http_proxies_free(struct http_proxies *proxies)
{
	if (!proxies)
		return;
	g_ptr_array_unref(proxies->masks);
	g_free(proxies);
}

bool http_proxies_trust(const struct http_proxies *proxies, const char *text)
{
	if (proxies->any)
		return true;
	g_autoptr(GInetAddress) address = g_inet_address_new_from_string(text);
	for (guint i = 0; address && i < proxies->masks->len; i++) {
		if (g_inet_address_mask_matches(proxies->masks->pdata[i], address))
			return true;
	}
	return false;
}

static enum MHD_Result collect(void *cls, enum MHD_ValueKind kind, const char *key,
			       const char *value)
{
	GString *list = cls;
	if (g_ascii_strcasecmp(key, "X-Forwarded-For") == 0)
		g_string_append_printf(list, "%s%s", list->len ? "," : "", value);
	return MHD_YES;
}

/*
 * Each proxy appends the address that it saw: read from the end, the first one that is not a
 * trusted proxy is the client. What stands before it the client may have made up.
 */
static char *client_of(const struct http_proxies *proxies, struct MHD_Connection *connection)
{
	g_autoptr(GString) list = g_string_new(NULL);
	MHD_get_connection_values(connection, MHD_HEADER_KIND, collect, list);
	g_auto(GStrv) hops = g_strsplit(list->str, ",", -1);
	guint count = g_strv_length(hops);
	char *client = NULL;
	for (guint i = count; i > 0 && count - i < MOST_HOPS; i--) {
		char *hop = g_strstrip(hops[i - 1]);
		if (!g_hostname_is_ip_address(hop))
			break;
		client = hop;
		if (!http_proxies_trust(proxies, hop))
			break;
	}
	return g_strdup(client);
}

void http_proxy_apply(const struct http_proxies *proxies, struct http_exchange *exchange)
{
	struct http_request *request = &exchange->request;
	const char *scheme = http_request_header(request, "X-Forwarded-Proto");
	if (scheme)
		request->secure = g_ascii_strcasecmp(scheme, "https") == 0;
	const char *host = http_request_header(request, "X-Forwarded-Host");
	if (host) {
		/* Of several proxies the first one spoke to the client. */
		exchange->forwarded_host = g_strstrip(g_strndup(host, strcspn(host, ",")));
		request->host = exchange->forwarded_host;
	}
	if (http_request_header(request, "X-Forwarded-For"))
		exchange->forwarded = client_of(proxies, exchange->connection);
	if (exchange->forwarded)
		request->address = exchange->forwarded;
}
