/* The quoting helper. */
#include "duck/sql.h"

static void append_quoted(GString *sql, const char *text, char quote)
{
	g_string_append_c(sql, quote);
	for (const char *at = text; *at; at++) {
		if (*at == quote)
			g_string_append_c(sql, quote);
		g_string_append_c(sql, *at);
	}
	g_string_append_c(sql, quote);
}

static void append_literal(GString *sql, const char *text)
{
	if (text)
		append_quoted(sql, text, '\'');
	else
		g_string_append(sql, "NULL");
}

static void append_formatted(GString *sql, const char *format, va_list *args)
{
	for (const char *at = format; *at; at++) {
		if (*at != '%') {
			g_string_append_c(sql, *at);
			continue;
		}
		switch (*++at) {
		case 'I':
			append_quoted(sql, va_arg(*args, const char *), '"');
			break;
		case 'L':
			append_literal(sql, va_arg(*args, const char *));
			break;
		case 'S':
			g_string_append(sql, va_arg(*args, const char *));
			break;
		case 'd':
			g_string_append_printf(sql, "%d", va_arg(*args, int));
			break;
		case 'l':
			g_string_append_printf(sql, "%" G_GINT64_FORMAT, va_arg(*args, gint64));
			break;
		case '%':
			g_string_append_c(sql, '%');
			break;
		default:
			g_error("duck_sql: unknown conversion in \"%s\"", format);
		}
	}
}

void duck_sql_append(GString *sql, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	append_formatted(sql, format, &args);
	va_end(args);
}

char *duck_sql(const char *format, ...)
{
	GString *sql = g_string_new(NULL);
	va_list args;
	va_start(args, format);
	append_formatted(sql, format, &args);
	va_end(args);
	return g_string_free(sql, FALSE);
}
