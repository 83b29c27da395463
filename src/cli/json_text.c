/* Slices of JSON text. */
#include "cli/json_text.h"

#include "base/json.h"

#include <string.h>

/* --- finding values --- */

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at) && *at)
		at++;
	return at;
}

static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
	}
	return at < end ? at + 1 : end;
}

/* Past one value of any kind, however deep. */
static const char *skip_value(const char *at, const char *end)
{
	size_t depth = 0;
	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
		} else if (*at == '[' || *at == '{') {
			depth++;
			at++;
		} else if (*at == ']' || *at == '}') {
			if (depth == 0)
				return at;
			depth--;
			at++;
		} else if (depth == 0 && (*at == ',' || g_ascii_isspace(*at))) {
			return at;
		} else {
			at++;
			continue; /* within a number or a word */
		}
		if (depth == 0)
			return at;
	}
	return end;
}

bool json_text_is_whole(struct json_slice value)
{
	const char *end = value.text + value.size;
	const char *at = skip_space(value.text, end);
	size_t depth = 0;
	if (at >= end || *at != '{')
		return false;
	do {
		if (*at == '"') {
			const char *after = skip_string(at, end);
			if (after - at < 2 || after[-1] != '"')
				return false;
			at = after;
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
	} while (at < end && depth > 0);
	return depth == 0 && skip_space(at, end) == end;
}

bool json_text_next(struct json_slice *rest, struct json_slice *item)
{
	const char *end = rest->text + rest->size;
	const char *at = skip_space(rest->text, end);
	if (at >= end || (*at != '[' && *at != ','))
		return false;
	at = skip_space(at + 1, end);
	if (at >= end || *at == ']')
		return false;
	const char *after = skip_value(at, end);
	*item = (struct json_slice){at, (size_t)(after - at)};
	after = skip_space(after, end);
	*rest = (struct json_slice){after, (size_t)(end - after)};
	return true;
}

bool json_text_next_member(struct json_slice *rest, struct json_slice *name,
			   struct json_slice *value)
{
	const char *end = rest->text + rest->size;
	const char *at = skip_space(rest->text, end);
	if (at >= end || (*at != '{' && *at != ','))
		return false;
	at = skip_space(at + 1, end);
	if (at >= end || *at != '"')
		return false;
	const char *after = skip_string(at, end);
	*name = (struct json_slice){at, (size_t)(after - at)};
	at = skip_space(after, end);
	if (at >= end || *at != ':')
		return false;
	at = skip_space(at + 1, end);
	after = skip_value(at, end);
	*value = (struct json_slice){at, (size_t)(after - at)};
	after = skip_space(after, end);
	*rest = (struct json_slice){after, (size_t)(end - after)};
	return true;
}

bool json_text_member(struct json_slice object, const char *name, struct json_slice *value)
{
	struct json_slice key, found;
	while (json_text_next_member(&object, &key, &found)) {
		g_autofree char *text = json_text_string(key);
		if (g_strcmp0(text, name) == 0) {
			*value = found;
			return true;
		}
	}
	return false;
}

char *json_text_string(struct json_slice value)
{
	if (value.size < 2 || *value.text != '"')
		return NULL;
	g_autoptr(json_t)
		string = json_loadb(value.text, value.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	const char *text = json_string_value(string);
	return text && strlen(text) == json_string_length(string) ? g_strdup(text) : NULL;
}

/* --- writing --- */

static void new_line(GString *out, int level)
{
	g_string_append_printf(out, "\n%*s", level * 2, "");
}

/* A string in ASCII: what is beyond becomes \uXXXX, in two parts above U+FFFF. */
static void append_string(GString *out, const char *at, const char *end)
{
	while (at < end) {
		const char *plain = at;
		while (at < end && (unsigned char)*at < 0x80)
			at++;
		g_string_append_len(out, plain, at - plain);
		if (at >= end)
			return;
		gunichar character = g_utf8_get_char_validated(at, end - at);
		if (character == (gunichar)-1 || character == (gunichar)-2)
			return;
		if (character > 0xffff)
			g_string_append_printf(out, "\\u%04x\\u%04x",
					       0xd800 + ((character - 0x10000) >> 10),
					       0xdc00 + ((character - 0x10000) & 0x3ff));
		else
			g_string_append_printf(out, "\\u%04x", character);
		at = g_utf8_next_char(at);
	}
}

/* The start of an array or object; returns what follows it. One that is empty stays on its line. */
static const char *open_container(GString *out, const char *at, const char *end, int *level)
{
	const char *next = skip_space(at + 1, end);
	g_string_append_c(out, *at);
	if (next < end && (*next == ']' || *next == '}')) {
		g_string_append_c(out, *next);
		return next + 1;
	}
	new_line(out, ++*level);
	return next;
}

void json_text_indent(GString *out, struct json_slice value, int level)
{
	const char *at = value.text, *end = value.text + value.size;
	while ((at = skip_space(at, end)) < end) {
		const char *after = at + 1;
		switch (*at) {
		case '"':
			after = skip_string(at, end);
			append_string(out, at, after);
			break;
		case '[':
		case '{':
			after = open_container(out, at, end, &level);
			break;
		case ']':
		case '}':
			level = MAX(level - 1, 0);
			new_line(out, level);
			g_string_append_c(out, *at);
			break;
		case ',':
			g_string_append_c(out, ',');
			new_line(out, level);
			break;
		case ':':
			g_string_append(out, ": ");
			break;
		default:
			g_string_append_c(out, *at);
		}
		at = after;
	}
}
