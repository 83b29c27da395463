/* Building addresses. */
#include "app/links.h"

#include <string.h>

static char *without_slash(const char *url)
{
	char *copy = g_strdup(url);
	size_t length = strlen(copy);
	while (length > 0 && copy[length - 1] == '/')
		copy[--length] = '\0';
	return copy;
}

char *links_mail_base(void)
{
	const char *url = g_getenv("SERVER_URL"), *domain = g_getenv("DOMAIN");
	if (url && *url)
		return without_slash(url);
	return domain && *domain ? g_strconcat("https://", domain, NULL) : NULL;
}

/* Only what can be a host and port: anything else would end up in a page or a shell. */
static bool is_host(const char *text)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-[]:";
	return *text && strspn(text, allowed) == strlen(text) && strlen(text) < 300;
}

char *links_base(const struct http_request *request)
{
	char *base = links_mail_base();
	const char *host = request->host;
	if (base || !host || !is_host(host))
		return base;
	return g_strconcat(request->secure ? "https://" : "http://", host, NULL);
}

char *links_with_token(const char *base, const char *path, const char *email, const char *token)
{
	g_autofree char *encoded = g_uri_escape_string(email, NULL, FALSE);
	return g_strdup_printf("%s%s?email=%s&token=%s", base, path, encoded, token);
}
