/* Files for the assistant. */
#include "cli/workspace/assistant.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/resources.h"

#include <string.h>

#define SETTINGS_FILE ".claude/settings.json"
#define NOTES_FILE    ".claude/CLAUDE.local.md"
#define TEMPLATE_FILE "workspace-CLAUDE.md"

enum { TEXT_LIMIT = 4 * 1024 * 1024 };

static const struct {
	const char *event, *command;
} hooks[] = {
	{"SessionStart", "da sync --quiet 2>/dev/null || true"},
	{"SessionEnd", "da sync --upload-only --quiet 2>/dev/null || true"},
};

/* When the program was copied without what comes with it. */
static const char short_template[] = "# {instance_name}: workspace of an AI Data Analyst\n\n"
				     "Connected to {server_url}, refreshed every {sync_interval}. "
				     "Start with `da catalog`, `da sync` and `da skills list`.\n";

static const char first_notes[] =
	"# Personal notes\n\nThese are yours: they are never overwritten, and "
	"`da sync --upload-only` sends them to the server.\n";

bool assistant_is_set_up(const struct workspace *workspace)
{
	size_t size;
	g_autofree char *text = workspace_read(workspace, "CLAUDE.md", TEXT_LIMIT, &size, NULL);
	return text && strstr(text, ASSISTANT_MARKER);
}

static char *read_template(void)
{
	size_t size;
	g_autofree char *folder = resources_folder("AGNES_TEMPLATES_DIR", "templates");
	g_autofree char *path = folder ? g_build_filename(folder, TEMPLATE_FILE, NULL) : NULL;
	char *text = path ? files_read(path, TEXT_LIMIT, &size, NULL) : NULL;
	return text ? text : g_strdup(short_template);
}

bool assistant_write(const struct workspace *workspace, const struct assistant_facts *facts,
		     GError **error)
{
	size_t size;
	g_autofree char *template = read_template();
	GString *text = g_string_new(template);
	g_string_replace(text, "{instance_name}", facts->instance_name, 0);
	g_string_replace(text, "{server_url}", facts->server_url, 0);
	g_string_replace(text, "{sync_interval}", facts->sync_interval, 0);
	bool written = workspace_write(workspace, "CLAUDE.md", text->str, text->len, false, error);
	g_string_free(text, TRUE);
	g_autoptr(GError) missing = NULL;
	g_autofree char *notes = workspace_read(workspace, NOTES_FILE, TEXT_LIMIT, &size, &missing);
	if (!written || notes || missing->code != AGNES_ERROR_NOT_FOUND)
		return written;
	return workspace_write(workspace, NOTES_FILE, first_notes, strlen(first_notes), false,
			       error);
}

/* --- hooks --- */

/* The member, made as `kind` if it is missing; NULL if it is of another type. */
static json_t *member(json_t *object, const char *name, json_type kind)
{
	json_t *value = json_object_get(object, name);
	if (!value) {
		value = kind == JSON_OBJECT ? json_object() : json_array();
		json_object_set_new(object, name, value);
	}
	return json_typeof(value) == kind ? value : NULL;
}

/* Whether all that the entry does is to sync: then it is ours, of this version or an older one. */
static bool is_ours(const json_t *entry)
{
	size_t i;
	const json_t *hook;
	const json_t *list = json_object_get(entry, "hooks");
	json_array_foreach(list, i, hook)
	{
		const char *command = json_string_value(json_object_get(hook, "command"));
		if (!command || !strstr(command, "da sync"))
			return false;
	}
	return json_array_size(list) > 0;
}

static void replace_ours(json_t *entries, const char *command)
{
	for (size_t i = json_array_size(entries); i > 0; i--) {
		if (is_ours(json_array_get(entries, i - 1)))
			json_array_remove(entries, i - 1);
	}
	json_array_append_new(
		entries, json_pack("{s[{ss ss}]}", "hooks", "type", "command", "command", command));
}

static bool merge(json_t *settings)
{
	json_t *all = json_is_object(settings) ? member(settings, "hooks", JSON_OBJECT) : NULL;
	if (!all)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(hooks); i++) {
		json_t *entries = member(all, hooks[i].event, JSON_ARRAY);
		if (!entries)
			return false;
		replace_ours(entries, hooks[i].command);
	}
	return true;
}

/* What is there, or what a new file begins with; NULL with *error set. */
static json_t *read_settings(const struct workspace *workspace, GError **error)
{
	size_t size;
	g_autoptr(GError) cause = NULL;
	g_autofree char *path = workspace_path(workspace, SETTINGS_FILE);
	g_autofree char *text = workspace_read(workspace, SETTINGS_FILE, TEXT_LIMIT, &size, &cause);
	if (!text && cause->code == AGNES_ERROR_NOT_FOUND)
		return json_pack("{ss s{s[ssss]}}", "model", "sonnet", "permissions", "allow",
				 "Read", "Bash", "Grep", "Glob");
	if (!text) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	json_t *settings = json_parse(text, size, path, NULL);
	if (!settings)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "%s is not valid JSON; skipping hook install.", path);
	return settings;
}

bool assistant_install_hooks(const struct workspace *workspace, GError **error)
{
	g_autoptr(json_t) settings = read_settings(workspace, error);
	if (!settings)
		return false;
	if (!merge(settings)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "%s/" SETTINGS_FILE " has no place for hooks; skipping hook install.",
			    workspace_root(workspace));
		return false;
	}
	char *text = json_dumps(settings, JSON_INDENT(2));
	g_autofree char *lines = g_strconcat(text, "\n", NULL);
	free(text);
	return workspace_write(workspace, SETTINGS_FILE, lines, strlen(lines), false, error);
}
