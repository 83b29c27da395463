/* Values of the API's answers. */
#include "app/wire.h"

#include "base/clock.h"
#include "duck/query.h"

#include <string.h>

json_t *wire_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *take_text(char *text)
{
	json_t *value = wire_text(text);
	g_free(text);
	return value;
}

json_t *wire_time(int64_t time)
{
	return time == DUCK_NO_TIME ? json_null() : take_text(clock_format(time));
}

json_t *wire_time_spaced(int64_t time)
{
	if (time == DUCK_NO_TIME)
		return json_null();
	char *text = clock_format(time);
	return take_text(text ? g_strdelimit(text, "T", ' ') : NULL);
}

json_t *wire_time_offset(int64_t time)
{
	if (time == DUCK_NO_TIME)
		return json_null();
	g_autofree char *text = clock_format(time);
	return take_text(g_strconcat(text, "+00:00", NULL));
}

char *wire_quote(const char *text)
{
	if (!text)
		return g_strdup("None");
	char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
	GString *quoted = g_string_new(NULL);
	g_string_append_c(quoted, quote);
	for (const char *at = text; *at; at++) {
		if (*at == quote || *at == '\\')
			g_string_append_printf(quoted, "\\%c", *at);
		else if (*at == '\n')
			g_string_append(quoted, "\\n");
		else if (*at == '\r')
			g_string_append(quoted, "\\r");
		else if (*at == '\t')
			g_string_append(quoted, "\\t");
		else if (g_ascii_iscntrl(*at))
			g_string_append_printf(quoted, "\\x%02x", (guchar)*at);
		else
			g_string_append_c(quoted, *at);
	}
	g_string_append_c(quoted, quote);
	return g_string_free(quoted, FALSE);
}
