/* The part of `agnesd check` for analytics/server.duckdb. */
#include "engine/analytics.h"

#include "engine/sources.h"
#include "extract/inspection.h"

#include <errno.h>
#include <unistd.h>

struct analytics_check {
	GHashTable *remote; /* names of tables that bind only while their database is attached */
	GPtrArray *problems;
};

static GHashTable *list_remote(const GPtrArray *sources)
{
	GHashTable *names = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(sources, i);
		for (guint j = 0; j < source->tables->len; j++) {
			const struct published_table *table = g_ptr_array_index(source->tables, j);
			if (!table->file)
				g_hash_table_add(names, table->name);
		}
	}
	return names;
}

static bool take_answer(json_t *answer, void *user, GError **error)
{
	struct analytics_check *check = user;
	const char *database = json_string_value(json_object_get(answer, "database"));
	const char *view = json_string_value(json_object_get(answer, "view"));
	const char *failure = json_string_value(json_object_get(answer, "error"));
	if (database)
		g_ptr_array_add(check->problems, g_strdup_printf("server.duckdb: %s", database));
	else if (failure && !(view && g_hash_table_contains(check->remote, view)))
		g_ptr_array_add(check->problems,
				g_strdup_printf("view '%s': %s", view ? view : "", failure));
	return true;
}

bool analytics_check(const char *data_dir, const struct publish_limits *limits, GPtrArray *problems,
		     char **summary, GError **error)
{
	g_autofree char *root = g_canonicalize_filename(data_dir, NULL);
	g_autofree char *published = g_build_filename(root, "published", NULL);
	g_autofree char *file = g_build_filename(root, "analytics", "server.duckdb", NULL);
	g_autoptr(GPtrArray) sources = sources_load(root, error);
	if (!sources)
		return false;
	if (access(file, F_OK) < 0 && errno == ENOENT) {
		*summary = g_strdup("no server.duckdb");
		if (sources->len > 0)
			g_ptr_array_add(
				problems,
				g_strdup_printf("%s is not there; run 'agnesd rebuild'", file));
		return true;
	}
	g_autoptr(GHashTable) remote = list_remote(sources);
	g_autoptr(json_t) none = json_array();
	struct analytics_check check = {.remote = remote, .problems = problems};
	const struct inspection inspection = {
		.readable = published,
		.database = file,
		.copied = true,
		.files = none,
		.limits = limits,
	};
	*summary = g_strdup("every view bound");
	return inspection_run(&inspection, take_answer, &check, error);
}
