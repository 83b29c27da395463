/* Range and If-None-Match, after RFC 9110. */
#include "http/range.h"

#include <string.h>

bool http_etag_listed(const char *header, const char *etag)
{
	g_auto(GStrv) tags = g_strsplit(header, ",", 64);
	for (char **at = tags; *at; at++) {
		char *tag = g_strstrip(*at);
		if (strcmp(tag, "*") == 0)
			return true;
		if (g_str_has_prefix(tag, "W/"))
			tag += 2;
		size_t length = strlen(tag);
		if (length == strlen(etag) + 2 && tag[0] == '"' && tag[length - 1] == '"' &&
		    memcmp(tag + 1, etag, length - 2) == 0)
			return true;
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
