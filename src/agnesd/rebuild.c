/* agnesd rebuild [SOURCE]: publishes what the extracts hold and rewrites analytics/server.duckdb.
 */
#include "agnesd/commands.h"
#include "base/cleanup.h"
#include "engine/analytics.h"
#include "engine/orchestrator.h"
#include "engine/publish_limits.h"
#include "extract/names.h"

#include <stdbool.h>
#include <string.h>

static struct publish_limits limits;
static int memory_mb, seconds;
static int newest_landlock = -1;

static const GOptionEntry options[] = {
	{"memory", 0, 0, G_OPTION_ARG_INT, &memory_mb,
	 "Memory for reading one extract (default: rebuild.memory_limit)", "MB"},
	{"timeout", 0, 0, G_OPTION_ARG_INT, &seconds,
	 "Time for reading one extract (default: rebuild.timeout_seconds)", "SECONDS"},
	{"newest-landlock", 0, 0, G_OPTION_ARG_INT, &newest_landlock,
	 "Use no newer Landlock than this, 0 for none: what an older kernel would do", "ABI"},
	G_OPTION_ENTRY_NULL,
};

static const struct edition_table *owned(const struct edition *edition,
					 const struct published_source *source,
					 const struct published_table *table)
{
	const struct edition_table *entry = edition_find(edition, table->name);
	return entry && strcmp(entry->source->name, source->name) == 0 ? entry : NULL;
}

static void print_source(const struct rebuild *rebuild, const struct published_source *source)
{
	guint tables = 0, changed = 0;
	for (guint i = 0; i < source->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(source->tables, i);
		if (!owned(rebuild->after, source, table))
			continue;
		const struct edition_table *before = owned(rebuild->before, source, table);
		tables++;
		changed += !before || g_strcmp0(before->table->md5, table->md5) != 0;
	}
	g_print("%s: %u tables, %u changed, %u failed\n", source->name, tables, changed,
		source->failures->len);
}

/* What failed before and looks the same is not read again, but still told. */
static bool print_failures(const struct published_source *source)
{
	for (guint i = 0; i < source->failures->len; i++) {
		const struct published_failure *failure = g_ptr_array_index(source->failures, i);
		g_printerr("agnesd rebuild: source '%s'%s%s%s: %s\n", source->name,
			   failure->name ? ", table '" : "", failure->name ? failure->name : "",
			   failure->name ? "'" : "", failure->message);
	}
	return source->failures->len == 0;
}

static bool print_rebuild(const struct rebuild *rebuild)
{
	bool clean = rebuild->refused->len == 0;
	for (guint i = 0; i < rebuild->after->sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(rebuild->after->sources,
									  i);
		print_source(rebuild, source);
		clean = print_failures(source) && clean;
	}
	for (guint i = 0; i < rebuild->refused->len; i++)
		g_printerr("agnesd rebuild: %s\n",
			   (const char *)g_ptr_array_index(rebuild->refused, i));
	return clean;
}

static bool rebuild_all(const char *data_dir, const char *source, bool *clean, GError **error)
{
	AUTO_FD lock = orchestrator_lock(data_dir, ORCHESTRATOR_PATIENCE, error);
	if (lock < 0)
		return false;
	g_autoptr(state_db) state = state_open_configured(data_dir, error);
	if (!state) {
		*error = command_explain_use(*error,
					     "it rebuilds by itself, and at once by 'da sync "
					     "trigger'");
		return false;
	}
	g_autoptr(orchestrator) orchestrator = orchestrator_new(data_dir, state, &limits,
								ORCHESTRATOR_LOCKED, error);
	g_auto(rebuild) rebuild = {0};
	if (!orchestrator || !orchestrator_rebuild(orchestrator, source, &rebuild, error) ||
	    !analytics_write(data_dir, orchestrator, &limits, error))
		return false;
	*clean = print_rebuild(&rebuild);
	return true;
}

/* The configuration's, unless an option says otherwise. */
static bool choose_limits(const char *data_dir, GError **error)
{
	g_autoptr(configuration) config = config_load(data_dir, error);
	if (!config)
		return false;
	publish_limits_choose(&limits, config);
	limits.memory_mb = memory_mb > 0 ? memory_mb : limits.memory_mb;
	limits.seconds = seconds > 0 ? seconds : limits.seconds;
	limits.newest_landlock = newest_landlock >= 0 ? newest_landlock : limits.newest_landlock;
	return true;
}

static int run(const struct command_context *context, int argc, char **argv)
{
	GError *error = NULL;
	bool clean = false;
	const char *source = argc > 0 ? argv[0] : NULL;
	if (source && !name_is_strict(source)) {
		g_printerr("agnesd rebuild: '%s' cannot name a source\n", source);
		return EXIT_CODE_USAGE;
	}
	if (!choose_limits(context->data_dir, &error) ||
	    !rebuild_all(context->data_dir, source, &clean, &error))
		return command_fail(&command_rebuild, error);
	return clean ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

const struct command command_rebuild = {
	.name = "rebuild",
	.arguments = "[SOURCE]",
	.summary = "Publish the tables that the extracts hold",
	.details = "Reads every source under extracts/ that changed since the last time, or the "
		   "named one in any case, publishes its tables and writes "
		   "analytics/server.duckdb. The server must not be running.\n\n"
		   "Exit codes: 0 everything is published; 1 something is not: what it is and why "
		   "is on standard error, and the last version of it stays in force.",
	.options = options,
	.most = 1,
	.run = run,
};
