/* Rewriting numbers, which are told from the texts between them by their quotes. */
#include "http/large_integers.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum {
	LONGEST_REAL = 308, /* digits: one more may be beyond the largest */
	SAFE_DIGITS = 18,   /* as many always fit 64 bits */
};

/* The end of a text that begins at `at`, behind its closing quote if there is one. */
static const char *end_of_text(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
	}
	return at < end ? at + 1 : end;
}

static const char *end_of_number(const char *at, const char *end)
{
	while (at < end && strchr("+-.0123456789eE", *at) && *at)
		at++;
	return at;
}

static bool is_large(const char *number, size_t length)
{
	size_t sign = *number == '-';
	if (length - sign <= SAFE_DIGITS || number[sign] == '0')
		return false;
	for (size_t i = sign; i < length; i++) {
		if (!g_ascii_isdigit(number[i]))
			return false;
	}
	g_autofree char *copy = g_strndup(number, length);
	return !g_ascii_string_to_signed(copy, 10, G_MININT64, G_MAXINT64, NULL, NULL);
}

static void append_number(GString *out, const char *number, size_t length)
{
	size_t sign = *number == '-';
	if (!is_large(number, length))
		g_string_append_len(out, number, (gssize)length);
	else if (length - sign > LONGEST_REAL)
		g_string_append(out, sign ? "-1e308" : "1e308");
	else
		g_string_append_printf(out, "%.*s.0", (int)length, number);
}

char *large_integers_as_reals(const char *text, size_t size, size_t *length)
{
	const char *end = text + size;
	g_autoptr(GString) out = g_string_sized_new(size + 64);
	for (const char *at = text, *next; at < end; at = next) {
		bool number = *at == '-' || g_ascii_isdigit(*at);
		next = *at == '"' ? end_of_text(at, end) : number ? end_of_number(at, end) : at + 1;
		if (number)
			append_number(out, at, (size_t)(next - at));
		else
			g_string_append_len(out, at, next - at);
	}
	*length = out->len;
	return g_string_free(g_steal_pointer(&out), FALSE);
}
