/* Tokens as far as comments are concerned: literals, quoted names, identifiers, all the rest. */
#include "query/comments.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

static bool starts_name(char c)
{
	return g_ascii_isalpha(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool continues_name(char c)
{
	return starts_name(c) || g_ascii_isdigit(c) || c == '$';
}

/* Each of these gives the end of what starts at `at`; NULL: it has none. */

static const char *skip_quoted(const char *at, bool backslashes)
{
	char quote = *at;
	for (at++; *at; at++) {
		bool escaped = backslashes && *at == '\\' && at[1];
		if (escaped || (*at == quote && at[1] == quote))
			at++;
		else if (*at == quote)
			return at + 1;
	}
	return NULL;
}

static const char *skip_line_comment(const char *at)
{
	return at + strcspn(at, "\r\n");
}

/* They nest. */
static const char *skip_block_comment(const char *at)
{
	unsigned depth = 0;
	while (*at) {
		if (g_str_has_prefix(at, "/*")) {
			depth++;
			at += 2;
		} else if (g_str_has_prefix(at, "*/")) {
			at += 2;
			if (--depth == 0)
				return at;
		} else {
			at++;
		}
	}
	return NULL;
}

/* $$…$$ or $tag$…$tag$; any other dollar sign stands for itself. */
static const char *skip_dollar(const char *at)
{
	const char *tag = at + 1;
	if (starts_name(*tag)) {
		while (*tag != '$' && continues_name(*tag))
			tag++;
	}
	if (*tag != '$')
		return at + 1;
	g_autofree char *mark = g_strndup(at, (gsize)(tag + 1 - at));
	const char *end = strstr(tag + 1, mark);
	return end ? end + strlen(mark) : NULL;
}

/* A name, or the letter of a literal with it. */
static const char *skip_name(const char *at)
{
	const char *end = at;
	while (continues_name(*end))
		end++;
	bool escapes = end == at + 1 && g_ascii_tolower(*at) == 'e' && *end == '\'';
	return escapes ? skip_quoted(end, true) : end;
}

static const char *skip_token(const char *at)
{
	if (*at == '\'' || *at == '"')
		return skip_quoted(at, false);
	if (*at == '$')
		return skip_dollar(at);
	return starts_name(*at) ? skip_name(at) : at + 1;
}

static bool is_comment(const char *at)
{
	return g_str_has_prefix(at, "--") || g_str_has_prefix(at, "/*");
}

char *sql_strip_comments(const char *sql)
{
	GString *text = g_string_sized_new(strlen(sql));
	size_t length = 0; /* up to the last token that is no semicolon */
	for (const char *at = sql, *end; at && *at; at = end) {
		if (is_comment(at)) {
			end = *at == '-' ? skip_line_comment(at) : skip_block_comment(at);
			g_string_append_c(text, ' ');
		} else {
			end = skip_token(at);
			if (end)
				g_string_append_len(text, at, end - at);
			if (!strchr(" \t\r\n\f\v;", *at))
				length = text->len;
		}
		if (!end) {
			g_string_free(text, TRUE);
			return NULL;
		}
	}
	g_string_truncate(text, length);
	return g_string_free(text, FALSE);
}
