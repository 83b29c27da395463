/* The index of a published source, in memory and as JSON. */
#include "extract/publication.h"

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "extract/bounds.h"

#include <string.h>
#include <sys/stat.h>

#define INDEX_NAME "index.json"

enum {
	INDEX_VERSION = 1,
	LONGEST_INDEX = 64 * 1024 * 1024,
};

void published_table_free(struct published_table *table)
{
	if (!table)
		return;
	g_free(table->name);
	g_free(table->description);
	g_free(table->file);
	g_free(table->md5);
	g_free(table->key);
	g_free(table->alias);
	g_free(table->schema);
	g_free(table->table);
	g_free(table);
}

struct published_table *published_table_copy(const struct published_table *table)
{
	struct published_table *copy = g_memdup2(table, sizeof *table);
	copy->name = g_strdup(table->name);
	copy->description = g_strdup(table->description);
	copy->file = g_strdup(table->file);
	copy->md5 = g_strdup(table->md5);
	copy->key = g_strdup(table->key);
	copy->alias = g_strdup(table->alias);
	copy->schema = g_strdup(table->schema);
	copy->table = g_strdup(table->table);
	return copy;
}

static void attach_free(struct published_attach *attach)
{
	g_free(attach->alias);
	g_free(attach->extension);
	g_free(attach->url);
	g_free(attach->token_env);
	g_free(attach);
}

static void failure_free(struct published_failure *failure)
{
	g_free(failure->name);
	g_free(failure->message);
	g_free(failure);
}

struct published_source *published_source_new(const char *name)
{
	struct published_source *source = g_new0(struct published_source, 1);
	source->name = g_strdup(name);
	source->fingerprint = g_strdup("");
	source->tables = g_ptr_array_new_with_free_func((GDestroyNotify)published_table_free);
	source->attached = g_ptr_array_new_with_free_func((GDestroyNotify)attach_free);
	source->failures = g_ptr_array_new_with_free_func((GDestroyNotify)failure_free);
	source->references = 1;
	return source;
}

struct published_source *published_source_ref(struct published_source *source)
{
	g_atomic_int_inc(&source->references);
	return source;
}

void published_source_free(struct published_source *source)
{
	if (!source || !g_atomic_int_dec_and_test(&source->references))
		return;
	g_ptr_array_unref(source->tables);
	g_ptr_array_unref(source->attached);
	g_ptr_array_unref(source->failures);
	g_free(source->fingerprint);
	g_free(source->name);
	g_free(source);
}

void published_source_add_attach(struct published_source *source, const char *alias,
				 const char *extension, const char *url, const char *token_env)
{
	struct published_attach *attach = g_new0(struct published_attach, 1);
	attach->alias = g_strdup(alias);
	attach->extension = g_strdup(extension);
	attach->url = g_strdup(url);
	attach->token_env = g_strdup(token_env);
	g_ptr_array_add(source->attached, attach);
}

void published_source_add_failure(struct published_source *source, const char *name,
				  const char *message)
{
	struct published_failure *failure = g_new0(struct published_failure, 1);
	failure->name = g_strdup(name);
	failure->message = g_strdup(message);
	g_ptr_array_add(source->failures, failure);
}

static json_t *table_to_json(const struct published_table *table)
{
	g_autofree char *file = table->file ? g_path_get_basename(table->file) : NULL;
	return json_pack("{ss ss sI sb ss* ss* sI sI si ss* ss* ss* ss*}", "name", table->name,
			 "description", table->description, "extracted_at",
			 (json_int_t)table->extracted_at, "materialized", table->materialized,
			 "file", file, "md5", table->md5, "rows", (json_int_t)table->rows,
			 "size_bytes", (json_int_t)table->size_bytes, "columns", table->columns,
			 "key", table->key, "alias", table->alias, "schema", table->schema, "table",
			 table->table);
}

static json_t *source_to_json(const struct published_source *source)
{
	json_t *tables = json_array();
	json_t *attached = json_array();
	json_t *failures = json_array();
	for (guint i = 0; i < source->tables->len; i++)
		json_array_append_new(tables, table_to_json(g_ptr_array_index(source->tables, i)));
	for (guint i = 0; i < source->attached->len; i++) {
		const struct published_attach *attach = g_ptr_array_index(source->attached, i);
		json_array_append_new(attached,
				      json_pack("[ssss]", attach->alias, attach->extension,
						attach->url, attach->token_env));
	}
	for (guint i = 0; i < source->failures->len; i++) {
		const struct published_failure *failure = g_ptr_array_index(source->failures, i);
		json_array_append_new(failures, json_pack("{ss* ss}", "name", failure->name,
							  "message", failure->message));
	}
	return json_pack("{si ss so so so}", "version", INDEX_VERSION, "fingerprint",
			 source->fingerprint, "tables", tables, "attached", attached, "failures",
			 failures);
}

int64_t publication_time(const char *folder)
{
	struct stat status;
	g_autofree char *path = g_build_filename(folder, INDEX_NAME, NULL);
	return stat(path, &status) == 0 ? status.st_mtim.tv_sec : 0;
}

bool publication_save(const struct published_source *source, const char *folder, GError **error)
{
	g_autoptr(json_t) index = source_to_json(source);
	g_autofree char *text = json_to_text(index);
	g_autofree char *path = g_build_filename(folder, INDEX_NAME, NULL);
	return files_replace(path, text, strlen(text), 0600, error);
}

static struct published_table *table_from_json(json_t *value, const char *folder)
{
	g_autoptr(published_table) table = g_new0(struct published_table, 1);
	const char *name, *description, *file = NULL, *md5 = NULL, *key = NULL;
	const char *alias = NULL, *schema = NULL, *remote = NULL;
	json_int_t extracted_at, rows, size_bytes;
	int materialized;
	if (json_unpack(value, "{ss ss sI sb s?s s?s sI sI si s?s s?s s?s s?s}", "name", &name,
			"description", &description, "extracted_at", &extracted_at, "materialized",
			&materialized, "file", &file, "md5", &md5, "rows", &rows, "size_bytes",
			&size_bytes, "columns", &table->columns, "key", &key, "alias", &alias,
			"schema", &schema, "table", &remote) < 0)
		return NULL;
	table->name = g_strdup(name);
	table->description = g_strdup(description);
	table->extracted_at = extracted_at;
	table->materialized = materialized;
	table->file = file ? g_build_filename(folder, file, NULL) : NULL;
	table->md5 = g_strdup(md5);
	table->rows = rows;
	table->size_bytes = size_bytes;
	table->key = g_strdup(key);
	table->alias = g_strdup(alias);
	table->schema = g_strdup(schema);
	table->table = g_strdup(remote);
	if (table->file ? !table->md5 || !g_file_test(table->file, G_FILE_TEST_EXISTS)
			: !table->alias)
		return NULL;
	return g_steal_pointer(&table);
}

/* Whether all of the index could be used. */
static bool fill_from_json(struct published_source *source, json_t *index, const char *folder)
{
	json_t *tables, *attached, *failures, *value;
	const char *fingerprint;
	int version;
	size_t i;
	bool whole = true;
	if (json_unpack(index, "{si ss so so so}", "version", &version, "fingerprint", &fingerprint,
			"tables", &tables, "attached", &attached, "failures", &failures) < 0 ||
	    version != INDEX_VERSION)
		return false;
	json_array_foreach(tables, i, value)
	{
		struct published_table *table = table_from_json(value, folder);
		if (table)
			g_ptr_array_add(source->tables, table);
		whole = whole && table;
	}
	json_array_foreach(attached, i, value)
	{
		const char *text[4];
		if (json_unpack(value, "[ssss]", &text[0], &text[1], &text[2], &text[3]) == 0)
			published_source_add_attach(source, text[0], text[1], text[2], text[3]);
	}
	json_array_foreach(failures, i, value)
	{
		const char *name = NULL, *message;
		if (json_unpack(value, "{s?s ss}", "name", &name, "message", &message) == 0)
			published_source_add_failure(source, name, message);
	}
	if (whole) {
		g_free(source->fingerprint);
		source->fingerprint = g_strdup(fingerprint);
	}
	return whole;
}

bool publication_is_described(const struct published_source *source)
{
	for (guint i = 0; i < source->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(source->tables, i);
		if (!table->materialized)
			return true;
	}
	return false;
}

struct published_source *publication_load(const char *folder, const char *name)
{
	struct published_source *source = published_source_new(name);
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(folder, INDEX_NAME, NULL);
	size_t size = 0;
	g_autofree char *text = files_read(path, LONGEST_INDEX, &size, &error);
	g_autoptr(json_t) index = text ? json_parse(text, size, path, &error) : NULL;
	if (!index) {
		if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
			g_warning("%s; source '%s' is published anew", error->message, name);
		return source;
	}
	if (!fill_from_json(source, index, folder))
		g_warning("%s is incomplete or damaged; source '%s' is published anew", path, name);
	return source;
}
