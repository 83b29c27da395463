/* Trees to YAML text in block style. */
#include "base/yaml.h"

#include <string.h>

enum {
	INDENT = 2,
	LONGEST_SIMPLE_KEY = 1000, /* YAML allows 1024 characters */
};

/* Words that a reader of YAML 1.1 or 1.2 takes for null or a boolean, in any case. */
static const char *const reserved_words[] = {"null", "true", "false", "yes", "no",
					     "on",   "off",  "y",     "n",   NULL};

/* Starts with a letter, '_' or '/', and holds only what has no meaning to YAML: never a number. */
static bool is_safe_plain(const char *text)
{
	gunichar first = g_utf8_get_char(text);
	if (!g_unichar_isalpha(first) && first != '_' && first != '/')
		return false;
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar letter = g_utf8_get_char(at);
		bool inner_space = letter == ' ' && at[1];
		if (!g_unichar_isalnum(letter) && !inner_space &&
		    !(letter < 0x80 && strchr("_/.@+-", (char)letter)))
			return false;
	}
	g_autofree char *lower = g_ascii_strdown(text, -1);
	return !g_strv_contains(reserved_words, lower);
}

/* Double quotes, with every character escaped that is not printable in YAML 1.1. */
static void append_quoted(GString *out, const char *text)
{
	static const struct {
		gunichar letter;
		const char *escape;
	} short_escapes[] = {
		{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\t', "\\t"}, {'\r', "\\r"}};
	g_string_append_c(out, '"');
	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar letter = g_utf8_get_char(at);
		const char *escape = NULL;
		for (size_t i = 0; i < G_N_ELEMENTS(short_escapes) && !escape; i++) {
			if (letter == short_escapes[i].letter)
				escape = short_escapes[i].escape;
		}
		if (escape)
			g_string_append(out, escape);
		else if (letter < 0x20 || (letter >= 0x7f && letter < 0xa0))
			g_string_append_printf(out, "\\x%02X", letter);
		else if (letter == 0x2028 || letter == 0x2029 || letter == 0xfeff ||
			 (letter & 0xfffe) == 0xfffe)
			g_string_append_printf(out, letter > 0xffff ? "\\U%08X" : "\\u%04X",
					       letter);
		else
			g_string_append_unichar(out, letter);
	}
	g_string_append_c(out, '"');
}

static void append_text(GString *out, const char *text)
{
	if (is_safe_plain(text))
		g_string_append(out, text);
	else
		append_quoted(out, text);
}

/* The shortest digits that read back as the same number, with the point that YAML 1.1 wants. */
static void append_real(GString *out, double number)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	for (int precision = 15; precision <= 17; precision++) {
		char format[] = "%.00g";
		format[2] = (char)('0' + precision / 10);
		format[3] = (char)('0' + precision % 10);
		g_ascii_formatd(digits, sizeof digits, format, number);
		if (g_ascii_strtod(digits, NULL) == number)
			break;
	}
	size_t whole = strcspn(digits, ".e");
	g_string_append_len(out, digits, (gssize)whole);
	if (digits[whole] != '.')
		g_string_append(out, ".0");
	g_string_append(out, digits + whole);
}

static void append_scalar(GString *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		append_text(out, json_string_value(value));
		break;
	case JSON_INTEGER:
		g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		append_real(out, json_real_value(value));
		break;
	case JSON_TRUE:
		g_string_append(out, "true");
		break;
	case JSON_FALSE:
		g_string_append(out, "false");
		break;
	case JSON_OBJECT:
		g_string_append(out, "{}");
		break;
	case JSON_ARRAY:
		g_string_append(out, "[]");
		break;
	case JSON_NULL:
		g_string_append(out, "null");
		break;
	}
}

static bool has_block(const json_t *value)
{
	return json_object_size(value) > 0 || json_array_size(value) > 0;
}

static void append_indent(GString *out, int indent)
{
	g_string_append_printf(out, "%*s", indent, "");
}

static void append_block(GString *out, const json_t *value, int indent);

/* What follows "key:" or "-": a scalar on the line, or a block of its own on the next ones. */
static void append_after(GString *out, const json_t *value, int indent)
{
	if (has_block(value)) {
		g_string_append_c(out, '\n');
		append_block(out, value, indent + INDENT);
	} else {
		g_string_append_c(out, ' ');
		append_scalar(out, value);
		g_string_append_c(out, '\n');
	}
}

/* "key:", or the form that a key too long for one line needs: "? key", and ":" on a line of its
 * own. */
static void append_key(GString *out, const char *key, int indent)
{
	append_indent(out, indent);
	size_t start = out->len;
	append_text(out, key);
	if (out->len - start > LONGEST_SIMPLE_KEY) {
		g_string_insert(out, (gssize)start, "? ");
		g_string_append_c(out, '\n');
		append_indent(out, indent);
	}
	g_string_append_c(out, ':');
}

static void append_block(GString *out, const json_t *value, int indent)
{
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)value, key, member)
	{
		append_key(out, key, indent);
		append_after(out, member, indent);
	}
	size_t index;
	json_array_foreach(value, index, member)
	{
		append_indent(out, indent);
		g_string_append_c(out, '-');
		append_after(out, member, indent);
	}
}

char *yaml_write(const json_t *value)
{
	GString *out = g_string_new(NULL);
	if (has_block(value)) {
		append_block(out, value, 0);
	} else {
		append_scalar(out, value);
		g_string_append_c(out, '\n');
	}
	return g_string_free(out, FALSE);
}
