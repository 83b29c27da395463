/* Comparing what a connector finds with what is registered. */
#include "app/sync/found_tables.h"

#include "app/publisher.h"
#include "app/sync/extraction.h"
#include "base/error.h"
#include "extract/names.h"
#include "state/registry.h"

#include <string.h>

#define LOCAL "local"

static void pass_over(void *data, const json_t *event)
{
}

json_t *found_tables_ask(const struct app *app, const char *source, int seconds,
			 const atomic_bool *cancelled, GError **error)
{
	g_auto(extraction_end) end = {0};
	g_autoptr(json_t) rows = json_array();
	const struct extraction extraction = {
		.data_dir = app->data_dir,
		.source = source,
		.mode = "--discover",
		.rows = rows,
		.deadline = g_get_monotonic_time() + seconds * G_USEC_PER_SEC,
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
	return !row->source_type || !*row->source_type || strcmp(row->source_type, LOCAL) == 0;
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
	const char *name = text_of(found, "name"), *source = text_of(found, "source_type");
	bool local = strcmp(source, LOCAL) == 0;
	for (size_t i = 0; local && i < directory->table_count; i++) {
		const struct registered_table *row = directory->tables[i]->registered;
		if (row && reads(row, text_of(found, "bucket"), text_of(found, "source_table")))
			return "";
	}
	g_autofree char *id = registry_id_of_name(name);
	if (directory_table(directory, id) || directory_table(directory, name))
		return "another table has that name";
	const struct edition_table *published = edition_find(edition, name);
	return published && strcmp(published->source->name, source) != 0
		       ? "another source has a table of that name"
		       : NULL;
}

/* Borrows from `found` but for the id and the description. */
static struct registered_table *make_row(const json_t *found, const char *registered_by,
					 GPtrArray *texts)
{
	const char *name = text_of(found, "name");
	char *id = registry_id_of_name(name);
	char *description = g_strdup_printf("Auto-discovered from %s/%s", text_of(found, "bucket"),
					    text_of(found, "source_table"));
	struct registered_table *row = g_new(struct registered_table, 1);
	record_init(&registered_table_type, row);
	row->id = id;
	row->name = name;
	row->source_type = text_of(found, "source_type");
	row->bucket = text_of(found, "bucket");
	row->source_table = text_of(found, "source_table");
	row->sync_strategy = "full_refresh";
	row->query_mode = "local";
	row->profile_after_sync = RECORD_TRUE;
	row->description = description;
	row->registered_by = registered_by;
	row->registered_at = g_get_real_time();
	g_ptr_array_add(texts, id);
	g_ptr_array_add(texts, description);
	return row;
}

struct registering {
	const struct directory *directory;
	const struct edition *edition;
	const char *registered_by;
	GPtrArray *rows, *texts; /* texts: what the rows point at */
	GHashTable *ids;
	struct found_tally *tally;
};

static void consider(struct registering *registering, const json_t *found)
{
	const char *obstacle = "that is no name of a table";
	bool named = name_is_strict(text_of(found, "name"));
	if (named)
		obstacle = find_obstacle(registering->directory, registering->edition, found);
	if (!obstacle) {
		struct registered_table *row = make_row(found, registering->registered_by,
							registering->texts);
		if (g_hash_table_add(registering->ids, (void *)row->id)) {
			g_ptr_array_add(registering->rows, row);
			json_array_append_new(registering->tally->ids, json_string(row->id));
			return;
		}
		g_free(row);
		obstacle = "another one of that name is one";
	}
	registering->tally->skipped += named;
	registering->tally->errors += !named;
	if (*obstacle)
		g_warning("%s/%s does not become a table: %s", text_of(found, "bucket"),
			  text_of(found, "source_table"), obstacle);
}

bool found_tables_register(struct app *app, const json_t *found, const char *registered_by,
			   struct found_tally *tally, GError **error)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	g_autoptr(edition) edition = publisher_edition(app->publisher);
	struct registering registering = {
		.directory = directory,
		.edition = edition,
		.registered_by = registered_by,
		.rows = rows,
		.texts = texts,
		.ids = ids,
		.tally = tally,
	};
	size_t index;
	const json_t *each;
	json_array_foreach((json_t *)found, index, each) consider(&registering, each);
	tally->registered = (int)rows->len;
	if (rows->len == 0)
		return true;
	g_message("%u tables are registered: they are new in the source", rows->len);
	return registry_register_all(app->state, rows, error) &&
	       directory_reload_tables(app->directory, error);
}
