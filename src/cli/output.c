/* Standard output and standard error. */
#include "cli/output.h"

#include "cli/command.h"
#include "cli/json_text.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DEFAULT_WIDTH = 80, LEAST_WIDTH = 20, MOST_WIDTH = 10000, MOST_HELP_WIDTH = 100 };

/* --- the terminal --- */

int output_width(void)
{
	struct winsize size;
	const char *columns = g_getenv("COLUMNS");
	gint64 width = 0;
	if (columns && g_ascii_string_to_signed(columns, 10, 1, MOST_WIDTH, &width, NULL))
		return MAX((int)width, LEAST_WIDTH);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return MAX((int)size.ws_col, LEAST_WIDTH);
	return DEFAULT_WIDTH;
}

int output_help_width(void)
{
	return MIN(output_width(), MOST_HELP_WIDTH);
}

bool output_is_terminal(void)
{
	return isatty(STDOUT_FILENO);
}

static bool is_capable(FILE *stream)
{
	const char *terminal = g_getenv("TERM");
	return isatty(fileno(stream)) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

bool output_has_colour(FILE *stream)
{
	const char *refused = g_getenv("NO_COLOR");
	return is_capable(stream) && !(refused && *refused);
}

bool output_shows_progress(void)
{
	return is_capable(stderr);
}

/* --- text --- */

static char *make_printable(const char *text, const char *kept)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	GString *printable = g_string_new(NULL);
	for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);
		if (character == '\r')
			continue;
		if (!g_unichar_iscntrl(character) || (*at && strchr(kept, *at)))
			g_string_append_unichar(printable, character);
		else if (character == '\n' || character == '\t')
			g_string_append_c(printable, ' ');
		else
			g_string_append(printable, "\357\277\275"); /* U+FFFD */
	}
	return g_string_free(printable, FALSE);
}

char *output_printable(const char *text)
{
	return make_printable(text, "\n\t");
}

char *output_printable_line(const char *text)
{
	return make_printable(text, "");
}

static G_GNUC_PRINTF(2, 0) void print_to(FILE *stream, const char *format, va_list arguments)
{
	g_autofree char *text = g_strdup_vprintf(format, arguments);
	g_autofree char *printable = output_printable(text);
	fputs(printable, stream);
}

void output_print(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	print_to(stdout, format, arguments);
	va_end(arguments);
}

void output_warn(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	print_to(stderr, format, arguments);
	va_end(arguments);
}

void output_json_text(const char *text, size_t size)
{
	g_autoptr(GString) pretty = g_string_new(NULL);
	json_text_indent(pretty, (struct json_slice){text, size}, 0);
	g_string_append_c(pretty, '\n');
	fwrite(pretty->str, 1, pretty->len, stdout);
}

void output_json(const json_t *value)
{
	/* More digits of a real number than 15 are noise. */
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	output_json_text(text, strlen(text));
	free(text);
}

char *output_thousands(gint64 number)
{
	char digits[32];
	g_snprintf(digits, sizeof(digits), "%" G_GINT64_FORMAT, number);
	GString *grouped = g_string_new(digits);
	for (gssize at = (gssize)grouped->len - 3; at > (number < 0 ? 1 : 0); at -= 3)
		g_string_insert_c(grouped, at, ',');
	return g_string_free(grouped, FALSE);
}

char *output_size(gint64 bytes)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
	double size = (double)bytes;
	size_t unit = 0;
	while (size >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
		size /= 1024;
		unit++;
	}
	return g_strdup_printf("%.1f %s", size, units[unit]);
}

/* --- the end --- */

int output_end(int code)
{
	bool was_broken = ferror(stdout) != 0;
	errno = 0;
	if (fflush(stdout) == 0 && !was_broken)
		return code;
	if (errno != EPIPE && errno != 0)
		fprintf(stderr, "Error: cannot write to standard output: %s\n", g_strerror(errno));
	return code ? code : EXIT_CODE_FAILED;
}
