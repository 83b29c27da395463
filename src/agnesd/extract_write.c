/* agnesd extract-write: how a connector in any language publishes tables, by SQL. */
#include "agnesd/commands.h"
#include "base/files.h"
#include "config/config.h"
#include "connectors/custom/tables.h"

#include <unistd.h>

enum { LARGEST_SCRIPT = 4 * 1024 * 1024 };

static char **dropped;

static const GOptionEntry options[] = {
	{"drop", 0, 0, G_OPTION_ARG_STRING_ARRAY, &dropped,
	 "Take a table of the last run out; may be given several times", "TABLE"},
	G_OPTION_ENTRY_NULL,
};

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	size_t size = 0;
	g_autoptr(configuration) config = config_load(context->data_dir, &error);
	if (!config)
		return command_fail(&command_extract_write, g_steal_pointer(&error));
	g_autofree char *sql = argc > 1 ? files_read(argv[1], LARGEST_SCRIPT, &size, &error)
					: files_read_stream(STDIN_FILENO, "standard input",
							    LARGEST_SCRIPT, &size, &error);
	if (!sql)
		return command_fail(&command_extract_write, g_steal_pointer(&error));
	g_autofree char *limit = g_strdup_printf("%" G_GUINT64_FORMAT "B",
						 config_size(config, "extract.memory_limit"));
	const struct script_tables script = {
		.data_dir = context->data_dir,
		.source = argv[0],
		.sql = sql,
		.dropped = dropped,
		.memory_limit = limit,
		.threads = (int)config_int(config, "extract.threads"),
	};
	int count = 0;
	if (!script_tables_publish(&script, &count, &error))
		return command_fail(&command_extract_write, g_steal_pointer(&error));
	g_print("{\"tables_extracted\":%d,\"tables_failed\":0,\"errors\":[]}\n", count);
	return EXIT_CODE_OK;
}

const struct command command_extract_write = {
	.name = "extract-write",
	.arguments = "SOURCE [FILE]",
	.summary = "Publish the views and tables that an SQL script makes as tables of SOURCE",
	.details =
		"For connectors in other languages, see docs/CONNECTORS.md. The script (FILE, or\n"
		"standard input) runs in a DuckDB in memory; each view or table that it leaves in\n"
		"the main schema becomes a parquet file, its comment the description. All are\n"
		"published, or none; tables of SOURCE that the script does not make stay.",
	.options = options,
	.least = 1,
	.most = 2,
	.run = run,
};
