/* agnesd: the server program. Every way to start it is a row of the table below. */
#include "agnesd/commands.h"
#include "agnesd/lifeline.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"

#include <locale.h>
#include <stdbool.h>
#include <string.h>

/* One a line. */
/* clang-format off */
static const struct command *const commands[] = {
	&command_build_analytics,
	&command_check,
	&command_config,
	&command_extract,
	&command_extract_write,
	&command_import_json,
	&command_init,
	&command_inspect_tables,
	&command_measure_table,
	&command_metrics,
	&command_migrate,
	&command_profile,
	&command_query_worker,
	&command_rebuild,
	&command_rebuild_source,
	&command_sample_data,
	&command_scheduler,
	&command_serve,
	&command_supervise,
	&command_up,
	NULL,
};
/* clang-format on */

int command_fail(const struct command *command, GError *error)
{
	g_printerr("agnesd %s: %s\n", command->name, error->message);
	g_error_free(error);
	return EXIT_CODE_FAILED;
}

GError *command_explain_use(GError *error, const char *instead)
{
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY)) {
		g_autofree char *message = g_steal_pointer(&error->message);
		error->message = g_strdup_printf("%s; stop it first, or leave it running: %s",
						 message, instead);
	}
	return error;
}

static void print_overview(void)
{
	g_print("Usage: agnesd COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n");
	for (const struct command *const *at = commands; *at; at++)
		g_print("  %-16s %s\n", (*at)->name, (*at)->summary);
	g_print("\n'agnesd COMMAND --help' says more about one. Options of every command:\n"
		"  --data-dir=DIR   where the data is kept (default: $DATA_DIR, else ./data)\n");
}

static const struct command *find_command(const char *name)
{
	for (const struct command *const *at = commands; *at; at++) {
		if (strcmp((*at)->name, name) == 0)
			return *at;
	}
	return NULL;
}

/* A person at a terminal, or one who debugs, reads text; a collector reads JSON. */
static bool start_log(const struct command *command, GError **error)
{
	bool debug = environment_flag("DEBUG");
	const char *name = g_getenv("LOG_LEVEL");
	GLogLevelFlags level = debug ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_INFO;
	if (name && *name && !log_parse_level(name, &level, error))
		return false;
	log_init(debug || g_log_writer_supports_color(2) ? LOG_TEXT : LOG_JSON, level,
		 command && command->service ? command->service : "agnesd");
	return true;
}

static const char *data_dir_default(void)
{
	const char *from_env = g_getenv("DATA_DIR");
	return from_env && *from_env ? from_env : "./data";
}

/* ./.env, as Docker Compose reads it; a word about what is wrong with it. */
static void load_environment(void)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	if (!environment_load(".env", problems, &error))
		g_printerr("agnesd: %s\n", error->message);
	for (guint i = 0; i < problems->len; i++)
		g_printerr("agnesd: %s\n", (const char *)problems->pdata[i]);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	g_autofree char *data_dir = NULL;
	gboolean lifeline = FALSE;
	g_autoptr(GError) error = NULL;
	const GOptionEntry common[] = {
		{"data-dir", 0, 0, G_OPTION_ARG_FILENAME, &data_dir,
		 "Where the data is kept (default: $DATA_DIR, else ./data)", "DIR"},
		{"lifeline", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &lifeline,
		 "End with who started this, whose socket is standard input", NULL},
		G_OPTION_ENTRY_NULL,
	};
	g_autofree char *usage = g_strconcat(command->name, " ", command->arguments, NULL);
	g_autoptr(GOptionContext) options = g_option_context_new(usage);
	g_option_context_set_summary(options, command->summary);
	g_option_context_set_description(options, command->details);
	g_option_context_add_main_entries(options, common, NULL);
	if (command->options)
		g_option_context_add_main_entries(options, command->options, NULL);
	if (!g_option_context_parse(options, &argc, &argv, &error)) {
		g_printerr("agnesd %s: %s\n", command->name, error->message);
		return EXIT_CODE_USAGE;
	}
	int given = argc - 1;
	if (given < command->least || (command->most >= 0 && given > command->most)) {
		g_printerr("agnesd %s: wrong number of arguments; usage: agnesd %s\n",
			   command->name, usage);
		return EXIT_CODE_USAGE;
	}
	if (lifeline && !lifeline_hold(&error))
		return command_fail(command, g_steal_pointer(&error));
	struct command_context context = {.data_dir = data_dir ? data_dir : data_dir_default()};
	return command->run(&context, given, argv + 1);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	process_fill_standard_descriptors();
	setlocale(LC_ALL, "C.UTF-8");
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
	if (command && !command->child)
		load_environment();
	if (!start_log(command, &error)) {
		g_printerr("agnesd: LOG_LEVEL: %s\n", error->message);
		return EXIT_CODE_USAGE;
	}
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_overview();
		return argc < 2 ? EXIT_CODE_USAGE : EXIT_CODE_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		g_print("agnesd %s\n", AGNES_VERSION);
		return EXIT_CODE_OK;
	}
	if (!command) {
		g_printerr("agnesd: unknown command '%s'; 'agnesd --help' lists them\n", argv[1]);
		return EXIT_CODE_USAGE;
	}
	return run_command(command, argc - 1, argv + 1);
}
