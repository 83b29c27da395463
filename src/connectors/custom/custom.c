/* Finding a connector's program, and running it as one. */
#include "connectors/custom/custom.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/order.h"
#include "connectors/custom/program.h"
#include "connectors/run.h"
#include "extract/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_SECONDS = 600,
	MOST_SECONDS = 86400,
	MOST_VARIABLES = 100,
};

/* What every program may know of our environment; anything else is named in its settings. */
static const char *const passed_variables[] = {
	"PATH",	       "HOME",	     "LANG",	      "LC_ALL",	      "TZ",
	"TMPDIR",      "HTTP_PROXY", "HTTPS_PROXY",   "NO_PROXY",     "http_proxy",
	"https_proxy", "no_proxy",   "SSL_CERT_FILE", "SSL_CERT_DIR",
};

static json_t *run_program(struct connector_run *run, GError **error);

static char **find_program(const char *folder, const char *name)
{
	g_autofree char *program = g_build_filename(folder, name, "extractor", NULL);
	g_autofree char *script = g_build_filename(folder, name, "extractor.py", NULL);
	g_autofree char *python = g_find_program_in_path("python3");
	g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
	if (g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) &&
	    g_file_test(program, G_FILE_TEST_IS_REGULAR))
		g_strv_builder_add(argv, program);
	else if (python && g_file_test(script, G_FILE_TEST_IS_REGULAR))
		g_strv_builder_add_many(argv, python, script, NULL);
	return g_strv_builder_end(argv);
}

struct custom_connector *custom_connector_new(const char *folder, const char *name, GError **error)
{
	if (!name_is_strict(name)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s' cannot name a source: use letters, digits and _ (at most 64)",
			    name);
		return NULL;
	}
	g_autoptr(custom_connector) custom = g_new0(struct custom_connector, 1);
	g_autofree char *absolute = g_canonicalize_filename(folder, NULL);
	custom->name = g_strdup(name);
	custom->argv = find_program(absolute, name);
	custom->connector = (struct connector){.name = custom->name, .run_program = run_program};
	if (custom->argv[0])
		return g_steal_pointer(&custom);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
		    "there is no source '%s': neither is it built in, nor has %s/%s an executable "
		    "extractor or an extractor.py",
		    name, absolute, name);
	return NULL;
}

char **custom_connector_names(const char *folder)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *absolute = g_canonicalize_filename(folder, NULL);
	g_autoptr(GDir) listing = g_dir_open(absolute, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		g_auto(GStrv) program = name_is_strict(name) ? find_program(absolute, name) : NULL;
		if (program && *program)
			g_ptr_array_add(names, g_strdup(name));
	}
	g_ptr_array_sort(names, order_texts);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

void custom_connector_free(struct custom_connector *custom)
{
	if (!custom)
		return;
	g_strfreev(custom->argv);
	g_free(custom->name);
	g_free(custom);
}

static void pass_variable(GStrvBuilder *environment, const char *name)
{
	const char *value = g_getenv(name);
	g_autofree char *entry = value ? g_strconcat(name, "=", value, NULL) : NULL;
	if (entry)
		g_strv_builder_add(environment, entry);
}

static void set_variable(GStrvBuilder *environment, const char *name, const char *value)
{
	g_autofree char *entry = g_strconcat(name, "=", value, NULL);
	g_strv_builder_add(environment, entry);
}

/* NULL when the settings name a variable that is no name. */
static char **make_environment(const struct connector_run *run, GError **error)
{
	g_autoptr(GStrvBuilder) environment = g_strv_builder_new();
	const json_t *named = json_object_get(run->settings, "environment");
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	size_t index;
	json_t *name;
	for (size_t i = 0; i < G_N_ELEMENTS(passed_variables); i++)
		pass_variable(environment, passed_variables[i]);
	set_variable(environment, "DATA_DIR", run->data_dir);
	set_variable(environment, "AGNES_SOURCE", run->connector->name);
	set_variable(environment, "AGNESD", self ? self : "agnesd");
	json_array_foreach((json_t *)named, index, name)
	{
		if (!name_is_env(json_string_value(name)) || index >= MOST_VARIABLES) {
			g_set_error(
				error, AGNES_ERROR, AGNES_ERROR_INVALID,
				"connectors.%s.environment must be a list of at most %d names of "
				"variables",
				run->connector->name, MOST_VARIABLES);
			return NULL;
		}
		pass_variable(environment, json_string_value(name));
	}
	return g_strv_builder_end(environment);
}

static int make_input(const struct connector_run *run, GError **error)
{
	g_autoptr(json_t) rows = json_array();
	for (guint i = 0; i < run->tables->len; i++) {
		const struct connector_table *table = g_ptr_array_index(run->tables, i);
		json_array_append(rows, (json_t *)table->row);
	}
	g_autoptr(json_t) request = json_pack("{s:O, s:O}", "rows", rows, "config", run->settings);
	g_autofree char *text = json_to_text(request);
	return files_in_memory("request", text, strlen(text), error);
}

/*
 * One run of a source at a time, which ends with the last process that it started; the writer has a
 * lock of its own, which the program may take.
 */
static int lock_source(const struct connector_run *run, GError **error)
{
	g_autofree char *folder = g_build_filename(run->data_dir, "extracts", run->connector->name,
						   NULL);
	g_autofree char *path = g_build_filename(folder, ".run.lock", NULL);
	g_autoptr(GError) cause = NULL;
	if (!files_make_folder(folder, error))
		return -1;
	int fd = files_lock(path, 0, &cause);
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_BUSY))
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "another extract of source '%s' is running; try again when it has "
			    "finished",
			    run->connector->name);
	else if (cause)
		g_propagate_error(error, g_steal_pointer(&cause));
	return fd;
}

static bool parse_deadline(const struct connector_run *run, gint64 *seconds, GError **error)
{
	const json_t *given = json_object_get(run->settings, "timeout_seconds");
	*seconds = given ? json_integer_value(given) : DEFAULT_SECONDS;
	if (*seconds > 0 && *seconds <= MOST_SECONDS)
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "connectors.%s.timeout_seconds must be a number from 1 to %d",
		    run->connector->name, MOST_SECONDS);
	return false;
}

static bool has_extract(const struct connector_run *run)
{
	g_autofree char *path = g_build_filename(run->data_dir, "extracts", run->connector->name,
						 "extract.duckdb", NULL);
	return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static json_t *failure(const struct connector_run *run, const char *message, bool transient)
{
	return json_pack("{s:i, s:i, s:[{s:s, s:s, s:b}]}", "tables_extracted", 0, "tables_failed",
			 MAX(1, (int)run->tables->len), "errors", "table", "*", "error", message,
			 "transient", transient);
}

/* What it says of itself goes before what its exit code says. */
static json_t *result_of(const struct connector_run *run, const struct program_outcome *outcome)
{
	g_autofree char *message = NULL;
	if (!outcome->failure && !has_extract(run))
		message = g_strdup("the connector wrote no extract.duckdb");
	else if (outcome->failure && !outcome->result)
		message = g_strdup_printf("%s%s%s", outcome->failure,
					  *outcome->complaint ? ": " : "", outcome->complaint);
	if (message)
		return failure(run, message, outcome->crashed);
	if (outcome->result)
		return json_incref(outcome->result);
	return json_pack("{s:i, s:i, s:[]}", "tables_extracted", (int)run->tables->len,
			 "tables_failed", 0, "errors");
}

static json_t *run_program(struct connector_run *run, GError **error)
{
	const struct custom_connector *custom = (const struct custom_connector *)run->connector;
	gint64 seconds;
	if (!parse_deadline(run, &seconds, error))
		return NULL;
	AUTO_FD lock = lock_source(run, error);
	AUTO_FD input = lock < 0 ? -1 : make_input(run, error);
	g_auto(GStrv) environment = input < 0 ? NULL : make_environment(run, error);
	if (!environment)
		return NULL;
	const struct program program = {
		.argv = (const char *const *)custom->argv,
		.environment = (const char *const *)environment,
		.input = input,
		.lock = lock,
		.seconds = seconds,
	};
	g_auto(program_outcome) outcome = {0};
	if (!program_run(&program, run, &outcome, error))
		return NULL;
	return result_of(run, &outcome);
}
