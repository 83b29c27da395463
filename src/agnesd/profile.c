/* agnesd profile TABLE: statistics of a published table, or of any parquet file. */
#include "engine/profile.h"
#include "agnesd/commands.h"
#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "engine/measure.h"
#include "engine/metrics.h"
#include "engine/orchestrator.h"
#include "engine/publish_limits.h"
#include "engine/sources.h"
#include "extract/names.h"
#include "state/profiles.h"
#include "state/registry.h"

#include <string.h>

static gboolean exact, as_json;

static const GOptionEntry options[] = {
	{"exact", 0, 0, G_OPTION_ARG_NONE, &exact,
	 "Look at every row, however large the table (default: profiler.sample_size of them)",
	 NULL},
	{"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Print the whole profile as JSON", NULL},
	G_OPTION_ENTRY_NULL,
};

/* What is profiled, and what is known of it. */
struct subject {
	char *table, *path;
	char *description, *strategy, *key, *used_by;
	bool published; /* else a file of somebody's */
};

static void subject_clear(struct subject *subject)
{
	g_free(subject->table);
	g_free(subject->path);
	g_free(subject->description);
	g_free(subject->strategy);
	g_free(subject->key);
	g_free(subject->used_by);
}
DEFINE_AUTO(subject)

static bool set_file(struct subject *subject, const struct published_table *table, GError **error)
{
	if (table && table->file) {
		g_free(subject->table);
		subject->table = g_strdup(table->name);
		subject->path = g_strdup(table->file);
		return true;
	}
	if (table)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    "'%s' is a remote table: its data is not here", subject->table);
	else
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			    "no table '%s' is published; 'agnesd rebuild' publishes what the "
			    "extracts hold",
			    subject->table);
	return false;
}

/* While somebody else has the state: by the index alone, which does not tell who owns a name. */
static bool find_in_index(struct subject *subject, const char *data_dir, GError **error)
{
	const struct published_table *found = NULL;
	g_autofree char *absolute = g_canonicalize_filename(data_dir, NULL);
	g_autoptr(GPtrArray) sources = sources_load(absolute, error);
	if (!sources)
		return false;
	for (guint s = 0; s < sources->len; s++) {
		const struct published_source *source = sources->pdata[s];
		for (guint i = 0; i < source->tables->len; i++) {
			const struct published_table *table = source->tables->pdata[i];
			if (g_ascii_strcasecmp(table->name, subject->table) != 0)
				continue;
			if (found) {
				g_set_error(
					error, AGNES_ERROR, AGNES_ERROR_BUSY,
					"several sources publish '%s', and which of them counts "
					"cannot be seen while the server runs; name the file: %s",
					subject->table, table->file ? table->file : "");
				return false;
			}
			found = table;
		}
	}
	return set_file(subject, found, error);
}

static bool describe(struct subject *subject, struct state *state, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(registered_table_record)
		row = registry_find_by_name(state, subject->table, &problem);
	if (row) {
		g_auto(GStrv) key = registry_decode_key(row->primary_key);
		subject->key = key ? g_strjoinv(",", key) : NULL;
		subject->description = g_strdup(row->description);
		subject->strategy = g_strdup(row->sync_strategy);
	} else if (!g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	subject->used_by = metrics_used_by(state, subject->table, error);
	return subject->used_by != NULL;
}

static bool find_in_state(struct subject *subject, struct state *state, const char *data_dir,
			  GError **error)
{
	struct publish_limits limits;
	g_autoptr(configuration) config = config_load(data_dir, error);
	if (!config)
		return false;
	publish_limits_choose(&limits, config);
	g_autoptr(orchestrator) orchestrator = orchestrator_new(data_dir, state, &limits,
								ORCHESTRATOR_LOCKS, error);
	if (!orchestrator)
		return false;
	g_autoptr(edition) edition = orchestrator_edition(orchestrator);
	const struct edition_table *entry = edition_find(edition, subject->table);
	return set_file(subject, entry ? entry->table : NULL, error) &&
	       describe(subject, state, error);
}

/* The state is held only while it is needed, so that the server can start meanwhile. */
static bool find_subject(struct subject *subject, const char *data_dir, GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(state_db) state = state_open_configured(data_dir, &problem);
	subject->published = true;
	if (state)
		return find_in_state(subject, state, data_dir, error);
	if (g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_BUSY))
		return find_in_index(subject, data_dir, error);
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

/* The file may be anybody's: a sandboxed child looks into it. */
static char *compute(const struct subject *subject, const char *data_dir, GError **error)
{
	struct profile_limits limits;
	g_auto(measurement) measurement = {0};
	g_autoptr(configuration) config = config_load(data_dir, error);
	if (!config)
		return NULL;
	profile_limits_load(&limits, config);
	measurement_init(&measurement);
	const struct profile_request request = {
		.path = subject->path,
		.table = subject->table,
		.description = subject->description,
		.sync_strategy = subject->strategy,
		.primary_key = subject->key,
		.used_by = subject->used_by,
		.exact = exact,
		.limits = &limits,
	};
	return measure_profile(&measurement, &request, error);
}

static bool store(const struct subject *subject, const char *data_dir, const char *text,
		  GError **error)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(state_db) state = state_open_configured(data_dir, &problem);
	if (state)
		return profiles_save(state, subject->table, text, error);
	if (g_error_matches(problem, AGNES_ERROR, AGNES_ERROR_BUSY)) {
		g_printerr("agnesd profile: shown, but not stored: %s\n", problem->message);
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&problem));
	return false;
}

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));
	return text ? text : "";
}

static gint64 int_of(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static void print_columns(const json_t *columns)
{
	size_t i, j;
	json_t *column, *alert;
	int name_width = (int)strlen("column"), type_width = (int)strlen("type");
	json_array_foreach(columns, i, column)
	{
		name_width = MAX(name_width, (int)g_utf8_strlen(text_of(column, "name"), -1));
		type_width = MAX(type_width, (int)g_utf8_strlen(text_of(column, "type"), -1));
	}
	type_width = MIN(type_width, 30);
	g_print("\n%-*s  %-*s  %8s  %12s  alerts\n", name_width, "column", type_width, "type",
		"complete", "distinct");
	json_array_foreach(columns, i, column)
	{
		g_autoptr(GString) alerts = g_string_new(NULL);
		json_array_foreach(json_object_get(column, "alerts"), j, alert)
			g_string_append_printf(alerts, "%s%s", j ? ", " : "",
					       json_string_value(alert));
		g_print("%-*s  %-*.*s  %7.2f%%  %12" G_GINT64_FORMAT "  %s\n", name_width,
			text_of(column, "name"), type_width, type_width, text_of(column, "type"),
			json_number_value(json_object_get(column, "completeness_pct")),
			int_of(column, "unique_count"), alerts->str);
	}
}

static bool print_profile(const char *text, GError **error)
{
	if (as_json) {
		g_print("%s\n", text);
		return true;
	}
	g_autoptr(json_t) profile = json_parse(text, strlen(text), "profile", error);
	if (!profile)
		return false;
	g_print("%s: %" G_GINT64_FORMAT " rows%s, %" G_GINT64_FORMAT " columns, %.2f%% complete, "
		"%" G_GINT64_FORMAT " duplicates\n",
		text_of(profile, "table_id"), int_of(profile, "row_count"),
		json_is_true(json_object_get(profile, "sampled")) ? " (measured on a sample)" : "",
		int_of(profile, "column_count"),
		json_number_value(json_object_get(profile, "avg_completeness")),
		int_of(profile, "duplicate_rows"));
	print_columns(json_object_get(profile, "columns"));
	return true;
}

/* A path holds a slash or ends like a file; anything else must be a name. */
static bool is_file(const char *argument)
{
	return strchr(argument, '/') || g_str_has_suffix(argument, ".parquet");
}

static int run(const struct command_context *context, int argc, char **argv)
{
	GError *error = NULL;
	g_auto(subject) subject = {0};
	if (is_file(argv[0])) {
		g_autofree char *base = g_path_get_basename(argv[0]);
		subject.table = g_strndup(base, strcspn(base, "."));
		subject.path = g_strdup(argv[0]);
	} else if (name_is_strict(argv[0])) {
		subject.table = g_strdup(argv[0]);
	} else {
		g_printerr("agnesd profile: '%s' cannot name a table\n", argv[0]);
		return EXIT_CODE_USAGE;
	}
	if (!subject.path && !find_subject(&subject, context->data_dir, &error))
		return command_fail(&command_profile, error);
	g_autofree char *text = compute(&subject, context->data_dir, &error);
	if (!text || !print_profile(text, &error) ||
	    (subject.published && !store(&subject, context->data_dir, text, &error)))
		return command_fail(&command_profile, error);
	return EXIT_CODE_OK;
}

const struct command command_profile = {
	.name = "profile",
	.arguments = "TABLE|FILE",
	.summary = "Show statistics of a table",
	.details = "Profiles a published table, and stores the result for the catalog unless the "
		   "server is running; or any parquet file, and only shows it.\n\n"
		   "Exit codes: 0 done; 1 there is no such table, or it cannot be read.",
	.options = options,
	.least = 1,
	.most = 1,
	.run = run,
};
