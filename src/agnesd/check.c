/* agnesd check: reads everything that is kept on disk and says what is broken. */
#include "state/check.h"
#include "agnesd/commands.h"
#include "base/error.h"
#include "engine/analytics.h"
#include "engine/publish_limits.h"
#include "extract/check.h"
#include "state/backup.h"

static gboolean restore;
static gboolean deep;
static struct publish_limits limits;

static const GOptionEntry options[] = {
	{"restore", 0, 0, G_OPTION_ARG_NONE, &restore,
	 "If the state is broken, go back to its newest good backup", NULL},
	{"deep", 0, 0, G_OPTION_ARG_NONE, &deep, "Read every value of every table, too", NULL},
	G_OPTION_ENTRY_NULL,
};

/*
 * The parts of a data directory. A part adds a line to `problems` (of char *) for each thing that
 * is broken and says in *summary what it has seen; false when it could not look.
 */
struct part {
	const char *name;
	bool (*check)(const char *data_dir, GPtrArray *problems, char **summary, GError **error);
	bool (*restore)(const char *data_dir, GError **error); /* NULL: nothing to go back to */
};

static bool restore_state(const char *data_dir, GError **error)
{
	g_auto(backup_restored) restored = {0};
	if (!backup_restore(data_dir, &restored, error))
		return false;
	g_print("state: went back to %s\n", restored.from);
	if (restored.aside)
		g_print("state: the broken file is kept as %s\n", restored.aside);
	return true;
}

static bool check_tables(const char *data_dir, GPtrArray *problems, char **summary, GError **error)
{
	return published_check(data_dir, deep, &limits, problems, summary, error);
}

static bool check_extracts(const char *data_dir, GPtrArray *problems, char **summary,
			   GError **error)
{
	return extracts_check(data_dir, deep, &limits, problems, summary, error);
}

static bool check_analytics(const char *data_dir, GPtrArray *problems, char **summary,
			    GError **error)
{
	return analytics_check(data_dir, &limits, problems, summary, error);
}

static const struct part parts[] = {
	{"state", state_check, restore_state},
	{"tables", check_tables, NULL},
	{"extracts", check_extracts, NULL},
	{"analytics", check_analytics, NULL},
};

/* Prints what is broken; *sound tells whether nothing was, or it was put right. */
static bool run_part(const struct part *part, const char *data_dir, bool *sound, GError **error)
{
	g_autofree char *summary = NULL;
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	if (!part->check(data_dir, problems, &summary, error))
		return false;
	*sound = problems->len == 0;
	g_print("%s: %s, %s\n", part->name, summary, *sound ? "nothing is broken" : "broken:");
	for (guint i = 0; i < problems->len; i++)
		g_print("  %s\n", (const char *)g_ptr_array_index(problems, i));
	if (*sound || !restore || !part->restore)
		return true;
	*sound = part->restore(data_dir, error);
	return *sound;
}

static int run(const struct command_context *context, int argc, char **argv)
{
	int code = EXIT_CODE_OK;
	g_autoptr(GError) unusable = NULL;
	g_autoptr(configuration) config = config_load(context->data_dir, &unusable);
	if (!config)
		return command_fail(&command_check, g_steal_pointer(&unusable));
	publish_limits_choose(&limits, config);
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autoptr(GError) error = NULL;
		bool sound = false;
		if (!run_part(&parts[i], context->data_dir, &sound, &error))
			command_fail(&command_check,
				     command_explain_use(g_steal_pointer(&error),
							 "'da diagnose' asks the server how it "
							 "is"));
		if (!sound)
			code = EXIT_CODE_FAILED;
	}
	return code;
}

const struct command command_check = {
	.name = "check",
	.arguments = "",
	.summary = "Read everything that is kept and say what is broken",
	.details = "Exits with 1 if something is broken. The server must not be running.",
	.options = options,
	.run = run,
};
