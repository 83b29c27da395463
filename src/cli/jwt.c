/* The middle part of a JSON Web Token. */
#include "cli/jwt.h"

#include "base/error.h"

#include <string.h>

/* Base64 with the alphabet for URLs and without padding. */
static guchar *decode(const char *part, size_t size, gsize *decoded)
{
	GString *padded = g_string_new_len(part, (gssize)size);
	for (gsize i = 0; i < padded->len; i++) {
		if (padded->str[i] == '-')
			padded->str[i] = '+';
		else if (padded->str[i] == '_')
			padded->str[i] = '/';
	}
	while (padded->len % 4 != 0)
		g_string_append_c(padded, '=');
	guchar *bytes = g_base64_decode(padded->str, decoded);
	g_string_free(padded, TRUE);
	return bytes;
}

json_t *jwt_claims(const char *token, GError **error)
{
	const char *start = strchr(token, '.');
	const char *end = start ? strchr(start + 1, '.') : NULL;
	if (end) {
		gsize size;
		g_autofree guchar *bytes = decode(start + 1, (size_t)(end - start - 1), &size);
		g_autoptr(json_t) claims = json_loadb((const char *)bytes, size, 0, NULL);
		if (json_is_object(claims))
			return g_steal_pointer(&claims);
	}
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "it has not three parts with JSON in the middle one");
	return NULL;
}
