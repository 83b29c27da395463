/* GLib's log writer for the whole program. */
#include "base/log.h"

#include "base/error.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

/* A message longer than this is cut: a log line must not become a way to fill the disk. */
enum { LONGEST_MESSAGE = 16 * 1024 };

static enum log_format chosen_format = LOG_TEXT;
static GLogLevelFlags chosen_level = G_LOG_LEVEL_INFO;
static const char *chosen_service = "agnes";
static _Thread_local const char *current_request;

static const struct {
	const char *name; /* as LOG_LEVEL spells it */
	GLogLevelFlags level;
} levels[] = {
	{"DEBUG", G_LOG_LEVEL_DEBUG},	  {"INFO", G_LOG_LEVEL_INFO},
	{"WARNING", G_LOG_LEVEL_WARNING}, {"ERROR", G_LOG_LEVEL_CRITICAL},
	{"CRITICAL", G_LOG_LEVEL_ERROR},
};

bool log_parse_level(const char *text, GLogLevelFlags *level, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		if (g_ascii_strcasecmp(text, levels[i].name) == 0) {
			*level = levels[i].level;
			return true;
		}
	}
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "unknown log level '%s': use DEBUG, INFO, WARNING, ERROR or CRITICAL", text);
	return false;
}

/* g_message() is GLib's "MESSAGE", between INFO and WARNING: an INFO that matters. */
static const char *level_name(GLogLevelFlags level)
{
	for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
		if (level & levels[i].level)
			return levels[i].name;
	}
	return "INFO";
}

static const char *field_text(const GLogField *fields, gsize count, const char *key)
{
	for (gsize i = 0; i < count; i++) {
		if (strcmp(fields[i].key, key) == 0 && fields[i].length < 0)
			return fields[i].value;
	}
	return NULL;
}

/* What a line is made of. */
struct entry {
	GDateTime *time;
	const char *level, *logger, *message;
};

static char *format_text(const struct entry *entry)
{
	g_autofree char *stamp = g_date_time_format(entry->time, "%Y-%m-%d %H:%M:%S");
	return g_strdup_printf("%s %s [%s] %s\n", stamp, entry->level,
			       current_request ? current_request : "-", entry->message);
}

static char *format_json(const struct entry *entry)
{
	g_autofree char *seconds = g_date_time_format(entry->time, "%Y-%m-%dT%H:%M:%S");
	g_autofree char *stamp = g_strdup_printf("%s.%06d+00:00", seconds,
						 g_date_time_get_microsecond(entry->time));
	json_t *line = json_pack("{ss ss ss ss ss ss*}", "ts", stamp, "lvl", entry->level, "logger",
				 entry->logger, "service", chosen_service, "msg", entry->message,
				 "request_id", current_request);
	char *text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	char *out = g_strconcat(text, "\n", NULL);
	free(text);
	return out;
}

/* A control character in a message could forge a second line or drive a terminal. */
static char *make_safe(const char *message)
{
	g_autofree char *cut = g_strndup(message, LONGEST_MESSAGE);
	char *valid = g_utf8_make_valid(cut, -1);
	for (char *at = valid; *at; at++) {
		if (g_ascii_iscntrl(*at) && *at != '\t')
			*at = ' ';
	}
	return valid;
}

static GLogWriterOutput write_line(GLogLevelFlags level, const GLogField *fields, gsize count,
				   gpointer data)
{
	/* GLib's level bits grow as severity falls. */
	if ((level & G_LOG_LEVEL_MASK) > chosen_level)
		return G_LOG_WRITER_HANDLED;
	const char *raw = field_text(fields, count, "MESSAGE");
	g_autofree char *message = make_safe(raw ? raw : "(no message)");
	const char *domain = field_text(fields, count, "GLIB_DOMAIN");
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	struct entry entry = {now, level_name(level), domain ? domain : "agnes", message};
	g_autofree char *line = chosen_format == LOG_JSON ? format_json(&entry)
							  : format_text(&entry);
	size_t left = strlen(line);
	for (const char *at = line; left > 0;) {
		ssize_t written = write(STDERR_FILENO, at, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return G_LOG_WRITER_UNHANDLED;
		at += written;
		left -= (size_t)written;
	}
	return G_LOG_WRITER_HANDLED;
}

void log_init(enum log_format format, GLogLevelFlags level, const char *service)
{
	chosen_format = format;
	chosen_service = service;
	chosen_level = level;
	g_log_set_writer_func(write_line, NULL, NULL);
}

void log_set_request(const char *id)
{
	current_request = id;
}
