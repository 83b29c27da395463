/* Reading yes and no from the environment, and variables from a file. */
#include "base/environment.h"

#include "base/error.h"
#include "base/files.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_FILE = 1024 * 1024 };

bool environment_flag(const char *name)
{
	const char *value = g_getenv(name);
	return value &&
	       (g_ascii_strcasecmp(value, "1") == 0 || g_ascii_strcasecmp(value, "true") == 0 ||
		g_ascii_strcasecmp(value, "yes") == 0);
}

static bool is_name(const char *name)
{
	if (!g_ascii_isalpha(*name) && *name != '_')
		return false;
	while (g_ascii_isalnum(*name) || *name == '_')
		name++;
	return *name == '\0';
}

bool environment_split_line(char *line, const char **name, char **value)
{
	*name = NULL;
	if (*g_strstrip(line) == '\0' || *line == '#')
		return true;
	char *equals = strchr(line, '=');
	if (!equals)
		return false;
	*equals = '\0';
	*value = g_strchug(equals + 1);
	g_strchomp(line);
	if (!is_name(line))
		return false;
	*name = line;
	return true;
}

/* Without its quotes, or without the comment behind it. NULL: quotes that do not end. */
static char *bare_value(const char *value)
{
	if (*value == '"' || *value == '\'')
		return g_shell_unquote(value, NULL);
	const char *comment = strstr(value, " #");
	return g_strchomp(comment ? g_strndup(value, (size_t)(comment - value)) : g_strdup(value));
}

static bool load_line(char *line)
{
	static const char export[] = "export ";
	const char *name;
	char *value;
	g_strchug(line);
	if (g_str_has_prefix(line, export))
		line += strlen(export);
	if (!environment_split_line(line, &name, &value))
		return false;
	g_autofree char *bare = name ? bare_value(value) : NULL;
	if (!name)
		return true;
	const char *set = g_getenv(name);
	if (bare && (!set || !*set))
		g_setenv(name, bare, TRUE);
	return bare != NULL;
}

/* What it says is obeyed, so only we and root may have said it. */
static bool check_owner(const char *path, const struct stat *status, GError **error)
{
	bool ours = status->st_uid == geteuid() || status->st_uid == 0;
	if (ours && !(status->st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
		    "%s is not read: %s; 'chown %d %s; chmod 600 %s' if its content is yours", path,
		    ours ? "others may write to it" : "it belongs to another user", (int)geteuid(),
		    path, path);
	return false;
}

bool environment_load(const char *path, GPtrArray *problems, GError **error)
{
	g_autoptr(GError) cause = NULL;
	struct stat status;
	AUTO_FD fd = files_open_regular(path, &status, &cause);
	if (fd < 0) {
		if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
			return true;
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	size_t size;
	g_autofree char *text = check_owner(path, &status, error)
					? files_read_stream(fd, path, LARGEST_FILE, &size, error)
					: NULL;
	if (!text)
		return false;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (int i = 0; lines[i]; i++) {
		if (!load_line(lines[i]))
			g_ptr_array_add(problems,
					g_strdup_printf("%s:%d: the line is left out: it is not "
							"NAME=value",
							path, i + 1));
	}
	return true;
}
