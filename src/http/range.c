/* Range and If-None-Match, after RFC 9110. */
#include "http/range.h"

#include <string.h>

static bool is_quoted(const char *tag, size_t length, const char *etag)
{
	return length == strlen(etag) + 2 && tag[0] == '"' && tag[length - 1] == '"' &&
	       memcmp(tag + 1, etag, length - 2) == 0;
}

bool http_etag_is(const char *header, const char *etag)
{
	return is_quoted(header, strlen(header), etag);
}

bool http_etag_listed(const char *header, const char *etag)
{
	static const char between[] = " \t,";
	for (const char *at = header + strspn(header, between); *at; at += strspn(at, between)) {
		if (g_str_has_prefix(at, "W/"))
			at += strlen("W/");
		/* What stands in quotes may hold commas. */
		const char *closing = *at == '"' ? strchr(at + 1, '"') : NULL;
		size_t length = closing ? (size_t)(closing - at) + 1 : strcspn(at, between);
		if ((length == 1 && *at == '*') || is_quoted(at, length, etag))
			return true;
		at += length;
	}
	return false;
}

static bool parse_number(const char *text, uint64_t *number)
{
	return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, number, NULL);
}

enum http_range http_range_parse(const char *header, uint64_t size, uint64_t *first, uint64_t *last)
{
	if (!header || !g_str_has_prefix(header, "bytes=") || strchr(header, ','))
		return HTTP_RANGE_ALL;
	g_auto(GStrv) ends = g_strsplit(header + strlen("bytes="), "-", 2);
	if (g_strv_length(ends) != 2)
		return HTTP_RANGE_ALL;
	const char *from = g_strstrip(ends[0]), *to = g_strstrip(ends[1]);
	if (!*from) { /* the last N bytes */
		uint64_t count;
		if (!parse_number(to, &count))
			return HTTP_RANGE_ALL;
		if (count == 0 || size == 0)
			return HTTP_RANGE_NONE;
		*first = count < size ? size - count : 0;
		*last = size - 1;
		return HTTP_RANGE_PART;
	}
	*last = G_MAXUINT64;
	if (!parse_number(from, first) || (*to && !parse_number(to, last)) || *last < *first)
		return HTTP_RANGE_ALL;
	if (*first >= size)
		return HTTP_RANGE_NONE;
	*last = MIN(*last, size - 1);
	return HTTP_RANGE_PART;
}
