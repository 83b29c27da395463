/* Writing Prometheus text. */
#include "app/monitor/exposition.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define LARGEST_WHOLE 9007199254740992.0 /* 2^53: up to here a double holds every whole number */

/* A backslash or a line break would end the line or the value early; so would a quote in a label.
 */
static void add_escaped(GString *text, const char *value, bool quoted)
{
	for (const char *at = value; *at; at++) {
		if (*at == '\\' || (quoted && *at == '"'))
			g_string_append_c(text, '\\');
		if (*at == '\n')
			g_string_append(text, "\\n");
		else
			g_string_append_c(text, *at);
	}
}

void exposition_family(GString *text, const char *name, const char *type, const char *help)
{
	g_string_append_printf(text, "# HELP %s ", name);
	add_escaped(text, help, false);
	g_string_append_printf(text, "\n# TYPE %s %s\n", name, type);
}

static void add_number(GString *text, double value)
{
	char shown[G_ASCII_DTOSTR_BUF_SIZE];
	if (isnan(value))
		g_string_append(text, "NaN");
	else if (isinf(value))
		g_string_append(text, value > 0 ? "+Inf" : "-Inf");
	else if (fabs(value) < LARGEST_WHOLE && value == floor(value))
		g_string_append_printf(text, "%" G_GINT64_FORMAT, (gint64)value);
	else
		g_string_append(text, g_ascii_formatd(shown, sizeof shown, "%.15g", value));
}

void exposition_sample(GString *text, const char *name, double value, ...)
{
	va_list labels;
	const char *before = "{";
	g_string_append(text, name);
	va_start(labels, value);
	for (const char *label; (label = va_arg(labels, const char *)); before = ",") {
		g_string_append_printf(text, "%s%s=\"", before, label);
		add_escaped(text, va_arg(labels, const char *), true);
		g_string_append_c(text, '"');
	}
	va_end(labels);
	if (*before == ',')
		g_string_append_c(text, '}');
	g_string_append_c(text, ' ');
	add_number(text, value);
	g_string_append_c(text, '\n');
}

void exposition_single(GString *text, const char *name, const char *type, const char *help,
		       double value)
{
	exposition_family(text, name, type, help);
	exposition_sample(text, name, value, NULL);
}
