/* Status and headers of an answer. */
#include "base/http_reply.h"

#include <string.h>

struct http_reply *http_reply_new(void)
{
	struct http_reply *reply = g_new0(struct http_reply, 1);
	reply->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return reply;
}

void http_reply_free(struct http_reply *reply)
{
	if (!reply)
		return;
	g_hash_table_unref(reply->headers);
	g_bytes_unref(reply->body);
	g_free(reply);
}

const char *http_reply_header(const struct http_reply *reply, const char *name)
{
	g_autofree char *lower = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(reply->headers, lower);
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": what came before was provisional, such as 100. */
static void begin(struct http_reply *reply, const char *line)
{
	const char *status = strchr(line, ' ');
	g_hash_table_remove_all(reply->headers);
	reply->status = status ? (int)g_ascii_strtoll(status, NULL, 10) : 0;
}

void http_reply_take_line(struct http_reply *reply, const char *line, size_t size)
{
	g_autofree char *text = g_strndup(line, size);
	if (g_str_has_prefix(text, "HTTP/")) {
		begin(reply, text);
		return;
	}
	char *value = strchr(text, ':');
	if (!value)
		return;
	*value++ = '\0';
	char *name = g_ascii_strdown(g_strstrip(text), -1);
	if (g_hash_table_contains(reply->headers, name))
		g_free(name);
	else
		g_hash_table_insert(reply->headers, name, g_strdup(g_strstrip(value)));
}
