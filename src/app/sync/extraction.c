/* Running `agnesd extract` and listening to it. */
#include "app/sync/extraction.h"

#include "base/error.h"
#include "base/files.h"
#include "base/listener.h"
#include "base/process.h"
#include "config/keys.h"
#include "state/registry.h"

#include <string.h>
#include <sys/wait.h>

enum {
	/* A result names every table that failed, with its reason. */
	LONGEST_LINE = 32 * 1024 * 1024,
	MOST_OUTPUT = 128 * 1024 * 1024,
	/* It ends by itself within ten seconds, with all that it started. */
	STOP_MILLISECONDS = 15 * 1000,
};

struct hearing {
	const struct extraction *extraction;
	struct extraction_end *end;
};

void extraction_end_clear(struct extraction_end *end)
{
	json_decref(end->result);
}

json_t *extraction_row(const struct registered_table *row)
{
	json_t *all = record_to_json(&registered_table_type, row);
	g_auto(GStrv) key = registry_decode_key(row->primary_key);
	const char *name;
	json_t *value;
	void *next;
	json_object_foreach_safe(all, next, name, value)
	{
		if (json_is_null(value))
			json_object_del(all, name);
	}
	if (key) {
		json_t *columns = json_array();
		for (char **at = key; *at; at++)
			json_array_append_new(columns, json_string(*at));
		json_object_set_new(all, "primary_key", columns);
	}
	return all;
}

/* Its own secrets are no extractor's business; those of sources may come by any other name. */
static char **make_environment(void)
{
	char **environment = g_get_environ();
	for (size_t i = 0; i < config_key_count; i++) {
		if (config_keys[i].secret && config_keys[i].env)
			environment = g_environ_unsetenv(environment, config_keys[i].env);
	}
	return environment;
}

static char **make_argv(const struct extraction *extraction)
{
	g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
	g_strv_builder_add_many(argv, "agnesd", "extract", "--data-dir", extraction->data_dir,
				NULL);
	if (extraction->mode)
		g_strv_builder_add(argv, extraction->mode);
	g_strv_builder_add(argv, extraction->source);
	return g_strv_builder_end(argv);
}

static void take_line(void *data, const char *text, size_t size)
{
	struct hearing *hearing = data;
	g_autoptr(json_t) value = json_parse(text, size, "the extractor's output", NULL);
	if (json_is_string(json_object_get(value, "event"))) {
		hearing->extraction->event(hearing->extraction->data, value);
	} else if (json_is_object(value) || json_is_array(value)) {
		json_decref(hearing->end->result);
		hearing->end->result = g_steal_pointer(&value);
	}
}

static bool go_on(void *data, GError **error)
{
	const struct hearing *hearing = data;
	if (!atomic_load(hearing->extraction->cancelled))
		return true;
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CANCELLED,
		    "the server was stopped meanwhile; the last version stays");
	return false;
}

/* Without a result there is only how it ended, and what it complained of last. */
static bool explain(const struct listener_end *ended, struct extraction_end *end, GError **error)
{
	g_autoptr(GError) cause = NULL;
	if (end->result && WIFEXITED(ended->status))
		return true;
	end->transient = WIFSIGNALED(ended->status);
	process_check_status(ended->status, &cause);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_FAILED, "the extractor %s%s%s",
		    cause ? cause->message : "said nothing of what it did",
		    *ended->complaint ? ": " : "", ended->complaint);
	return false;
}

bool extraction_run(const struct extraction *extraction, struct extraction_end *end, GError **error)
{
	g_autofree char *text = json_to_text(extraction->rows);
	AUTO_FD input = files_in_memory("rows", text, strlen(text), error);
	if (input < 0)
		return false;
	g_auto(listener_end) ended = {0};
	g_auto(GStrv) environment = make_environment();
	g_auto(GStrv) argv = make_argv(extraction);
	struct hearing hearing = {extraction, end};
	const struct listener_options options = {
		.what = "the extractor",
		.program = PROCESS_SELF,
		.argv = (const char *const *)argv,
		.environment = (const char *const *)environment,
		.input = input,
		.life = -1,
		.longest_line = LONGEST_LINE,
		.most_output = MOST_OUTPUT,
		.deadline = extraction->deadline,
		.stop_milliseconds = STOP_MILLISECONDS,
		.line = take_line,
		.go_on = go_on,
		.data = &hearing,
	};
	return listener_run(&options, &ended, error) && explain(&ended, end, error);
}
