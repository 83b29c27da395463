/* da skills: the texts that tell an assistant how to work with this system. */
#include "base/error.h"
#include "base/files.h"
#include "base/order.h"
#include "base/resources.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

enum { LARGEST_SKILL = 1024 * 1024 };

static const char suffix[] = ".md";

/* Names without their suffix, sorted. */
static GPtrArray *list_names(const char *folder, GError **error)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	if (!dir) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			    "there is no folder %s; install da again", folder);
		return NULL;
	}
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	const char *file;
	while ((file = g_dir_read_name(dir))) {
		if (g_str_has_suffix(file, suffix))
			g_ptr_array_add(names, g_strndup(file, strlen(file) - strlen(suffix)));
	}
	g_ptr_array_sort(names, order_texts);
	return names;
}

static char *read_skill(const char *folder, const char *name, GError **error)
{
	size_t size;
	g_autofree char *file = g_strconcat(name, suffix, NULL);
	g_autofree char *path = g_build_filename(folder, file, NULL);
	return files_read(path, LARGEST_SKILL, &size, error);
}

/* The description of the front matter, else the first line without the signs of a heading. */
static char *describe(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	bool has_matter = lines[0] && strcmp(lines[0], "---") == 0;
	for (char **at = lines + 1; has_matter && *at && strcmp(*at, "---") != 0; at++) {
		if (g_str_has_prefix(*at, "description:"))
			return g_strstrip(g_strdup(*at + strlen("description:")));
	}
	const char *first = lines[0] ? lines[0] : "";
	return g_strstrip(g_strdup(first + strspn(first, "# ")));
}

static int run_list(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	(void)invocation;
	g_autofree char *folder = resources_folder("AGNES_SKILLS_DIR", "skills");
	g_autoptr(GPtrArray) names = list_names(folder, &error);
	if (!names)
		return command_fail(error);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *text = read_skill(folder, names->pdata[i], &error);
		if (!text)
			return command_fail(error);
		g_autofree char *description = describe(text);
		g_autoptr(GString) line = g_string_new("  ");
		grid_pad(line, names->pdata[i], 25, GRID_LEFT);
		output_print("%s %s\n", line->str, description);
	}
	return EXIT_CODE_OK;
}

/* A name is looked up among those that there are, never used as a path. */
static int run_show(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	const char *wanted = invocation_text(invocation, "NAME");
	g_autofree char *folder = resources_folder("AGNES_SKILLS_DIR", "skills");
	g_autoptr(GPtrArray) names = list_names(folder, &error);
	if (!names)
		return command_fail(error);
	if (!g_ptr_array_find_with_equal_func(names, wanted, g_str_equal, NULL)) {
		output_warn("Skill '%s' not found. Run: da skills list\n", wanted);
		return EXIT_CODE_FAILED;
	}
	g_autofree char *text = read_skill(folder, wanted, &error);
	if (!text)
		return command_fail(error);
	fputs(text, stdout);
	fputc('\n', stdout);
	return EXIT_CODE_OK;
}

const struct command command_skills_list = {
	"skills list",
	"List what there is to know",
	.traits = COMMAND_OFFLINE,
	.run = run_list,
};

static const struct argument show_arguments[] = {
	{"NAME", "One of 'da skills list'"},
	{0},
};

const struct command command_skills_show = {
	"skills show",
	"Print one of the texts",
	.examples = "da skills show setup",
	.arguments = show_arguments,
	.traits = COMMAND_OFFLINE,
	.run = run_show,
};
