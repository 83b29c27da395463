/* Conditional and partial requests: what of a file a client wants. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether an If-None-Match list (or "*") holds the ETag, given without quotes; weak ones count. */
bool http_etag_listed(const char *header, const char *etag);
/* Whether the header is this ETag and a strong one, as If-Range wants it. */
bool http_etag_is(const char *header, const char *etag);

enum http_range {
	HTTP_RANGE_ALL,	 /* no range, several, or one that makes no sense: send everything */
	HTTP_RANGE_PART, /* *first … *last, both included */
	HTTP_RANGE_NONE, /* it begins behind the end: 416 */
};
enum http_range http_range_parse(const char *header, uint64_t size, uint64_t *first,
				 uint64_t *last);
