/* Comparing what the local connector finds with what is registered. */
#include "app/sync/discovery.h"

#include "app/publisher.h"
#include "app/sync/extraction.h"
#include "base/error.h"
#include "connectors/local/files.h"
#include "extract/names.h"
#include "state/registry.h"

#include <string.h>

#define SOURCE	      "local"
#define REGISTERED_BY "auto-discovery"

enum {
	DISCOVERY_SECONDS = 60,
	/* A folder that changed only just now may change again in the same tick of the clock. */
	TICK_SECONDS = 2,
};

struct discovery {
	char *seen; /* how the folders looked the last time; NULL: not at all */
};

struct discovery *discovery_new(void)
{
	return g_new0(struct discovery, 1);
}

void discovery_free(struct discovery *discovery)
{
	if (!discovery)
		return;
	g_free(discovery->seen);
	g_free(discovery);
}

/*
 * How the folders look from outside: their names, inodes and times. "": there are none. *settled:
 * whoever sees the same again may believe it.
 */
static char *look(const struct app *app, const struct configuration *config, bool *settled)
{
	size_t index;
	const json_t *root;
	int64_t now = g_get_real_time() / G_USEC_PER_SEC;
	GString *seen = g_string_new(NULL);
	*settled = true;
	json_array_foreach((json_t *)config_list(config, "local.roots"), index, root)
	{
		struct stat status;
		g_autofree char *path = g_canonicalize_filename(json_string_value(root),
								app->data_dir);
		if (stat(path, &status) < 0)
			continue;
		*settled &= status.st_mtim.tv_sec + TICK_SECONDS <= now;
		g_string_append_printf(seen, "%s %ju %jd.%09ld\n", path, (uintmax_t)status.st_ino,
				       (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	}
	return g_string_free(seen, FALSE);
}

static void pass_over(void *data, const json_t *event)
{
}

/* What the connector lists, as objects with the fields of a registry row. */
static json_t *ask(const struct app *app, const atomic_bool *cancelled, GError **error)
{
	g_auto(extraction_end) end = {0};
	g_autoptr(json_t) rows = json_array();
	const struct extraction extraction = {
		.data_dir = app->data_dir,
		.source = SOURCE,
		.mode = "--discover",
		.rows = rows,
		.deadline = g_get_monotonic_time() + DISCOVERY_SECONDS * G_USEC_PER_SEC,
		.cancelled = cancelled,
		.event = pass_over,
	};
	if (!extraction_run(&extraction, &end, error))
		return NULL;
	if (json_is_array(end.result))
		return g_steal_pointer(&end.result);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "the connector listed no tables");
	return NULL;
}

static const char *text_of(const json_t *found, const char *member)
{
	const char *text = json_string_value(json_object_get(found, member));
	return text ? text : "";
}

static bool is_local(const struct registered_table *row)
{
	return !row->source_type || !*row->source_type || strcmp(row->source_type, SOURCE) == 0;
}

/* Whether the row reads that file of that root; a pattern counts by its first part. */
static bool reads(const struct registered_table *row, const char *root, const char *file)
{
	const char *bucket = row->bucket && *row->bucket ? row->bucket : root;
	g_autofree char *below = g_strconcat(root, "/", file, NULL);
	if (!is_local(row))
		return false;
	if (strcmp(bucket, root) != 0)
		return strcmp(bucket, below) == 0;
	if (!row->source_table || !*row->source_table)
		return strcspn(file, ".") == strlen(row->name) && g_str_has_prefix(file, row->name);
	g_autofree char *first = g_strndup(row->source_table, strcspn(row->source_table, "/"));
	return g_pattern_match_simple(first, file);
}

/* NULL: it may become a table; else why not, which is "" where there is nothing to tell. */
static const char *find_obstacle(const struct directory *directory, const struct edition *edition,
				 const json_t *found)
{
	const char *name = text_of(found, "name"), *file = text_of(found, "source_table");
	enum local_format format;
	enum local_compression compression;
	if (!name_is_strict(name) || !local_file_kind(file, &format, &compression))
		return "";
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct registered_table *row = directory->tables[i]->registered;
		if (row && reads(row, text_of(found, "bucket"), file))
			return "";
	}
	g_autofree char *id = registry_id_of_name(name);
	if (directory_table(directory, id) || directory_table(directory, name))
		return "another table has that name";
	const struct edition_table *published = edition_find(edition, name);
	return published && strcmp(published->source->name, SOURCE) != 0
		       ? "another source has a table of that name"
		       : NULL;
}

/* Borrows from `found` but for the id and the description. */
static struct registered_table *make_row(const json_t *found, GPtrArray *texts)
{
	const char *name = text_of(found, "name");
	char *id = registry_id_of_name(name);
	char *description = g_strdup_printf("Auto-discovered from %s/%s", text_of(found, "bucket"),
					    text_of(found, "source_table"));
	struct registered_table *row = g_new(struct registered_table, 1);
	record_init(&registered_table_type, row);
	row->id = id;
	row->name = name;
	row->source_type = SOURCE;
	row->bucket = text_of(found, "bucket");
	row->source_table = text_of(found, "source_table");
	row->sync_strategy = "full_refresh";
	row->query_mode = "local";
	row->profile_after_sync = RECORD_TRUE;
	row->description = description;
	row->registered_by = REGISTERED_BY;
	row->registered_at = g_get_real_time();
	g_ptr_array_add(texts, id);
	g_ptr_array_add(texts, description);
	return row;
}

static bool register_new(struct app *app, const json_t *all, GError **error)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	g_autoptr(edition) edition = publisher_edition(app->publisher);
	size_t index;
	const json_t *found;
	json_array_foreach((json_t *)all, index, found)
	{
		const char *obstacle = find_obstacle(directory, edition, found);
		if (!obstacle) {
			struct registered_table *row = make_row(found, texts);
			bool first = g_hash_table_add(names, (void *)row->id);
			obstacle = first ? NULL : "another file of that name is one";
			if (first)
				g_ptr_array_add(rows, row);
			else
				g_free(row);
		}
		if (obstacle && *obstacle)
			g_warning("%s/%s does not become a table: %s", text_of(found, "bucket"),
				  text_of(found, "source_table"), obstacle);
	}
	if (rows->len == 0)
		return true;
	g_message("%u new files become tables", rows->len);
	return registry_register_all(app->state, rows, error) &&
	       directory_reload_tables(app->directory, error);
}

bool discovery_run(struct discovery *discovery, struct app *app, const struct configuration *config,
		   const atomic_bool *cancelled, GError **error)
{
	bool settled;
	g_autofree char *seen = look(app, config, &settled);
	if (!config_bool(config, "local.auto_register") || !*seen ||
	    g_strcmp0(seen, discovery->seen) == 0)
		return true;
	g_autoptr(json_t) found = ask(app, cancelled, error);
	if (!found || !register_new(app, found, error))
		return false;
	g_clear_pointer(&discovery->seen, g_free);
	discovery->seen = settled ? g_steal_pointer(&seen) : NULL;
	return true;
}
