/* The parent's side of the reader: every word that comes back is checked before it is used. */
#include "extract/answer.h"

#include "base/child.h"
#include "base/error.h"
#include "extract/bounds.h"
#include "extract/names.h"
#include "extract/placing.h"

#include <string.h>

enum {
	LONGEST_ANSWER = 64 * 1024,
	LONGEST_ANSWERS = 128 * 1024 * 1024,
	LONGEST_MESSAGE = 2000,
	MOST_COLUMNS = 100 * 1000,
	MD5_LENGTH = 32,
};

/* One conversation. */
struct answer {
	const struct publish_request *request;
	const struct answer_folders *folders;
	GHashTable *previous; /* names in lower case → the tables in force now */
	GHashTable *seen;     /* names in lower case */
	struct published_source *source;
	bool retry; /* something failed that is not the extract's fault */
	bool done;
};

static void answer_clear(struct answer *answer)
{
	g_hash_table_unref(answer->previous);
	g_hash_table_unref(answer->seen);
	published_source_free(answer->source);
}
DEFINE_AUTO(answer)

static bool refuse(GError **error, const char *why)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "its reader answered what it must not (%s)", why);
	return false;
}

static GHashTable *index_tables(const struct published_source *source)
{
	GHashTable *tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < source->tables->len; i++) {
		struct published_table *table = g_ptr_array_index(source->tables, i);
		g_hash_table_replace(tables, g_ascii_strdown(table->name, -1), table);
	}
	return tables;
}

static const struct published_table *previous_of(const struct answer *answer, const char *name)
{
	g_autofree char *folded = g_ascii_strdown(name, -1);
	return g_hash_table_lookup(answer->previous, folded);
}

static bool is_md5(const char *text)
{
	return text && strlen(text) == MD5_LENGTH && strspn(text, "0123456789abcdef") == MD5_LENGTH;
}

static bool is_materialized(const struct publish_request *request, const char *name)
{
	return request->materialized && g_strv_contains(request->materialized, name);
}

/* The place inside the extract that a link may come from: plain names, one below the other. */
static bool is_relative_path(const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	for (char **part = parts; *part; part++) {
		if (**part == '\0' || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0)
			return false;
	}
	return *path != '\0';
}

static bool take_link(struct answer *answer, struct published_table *table, json_t *line,
		      GError **error)
{
	const char *path;
	json_int_t inode, size, mtime_ns;
	if (json_unpack(line, "{ss sI sI sI}", "link", &path, "inode", &inode, "size", &size,
			"mtime_ns", &mtime_ns) < 0 ||
	    !is_relative_path(path))
		return refuse(error, "a link");
	const struct file_stamp stamp = {.inode = inode, .size = size, .mtime_ns = mtime_ns};
	return placing_link(table, answer->folders->extract, path, &stamp,
			    answer->folders->published, error);
}

static bool take_work(struct answer *answer, struct published_table *table, json_t *line,
		      GError **error)
{
	const char *name = json_string_value(json_object_get(line, "work"));
	g_autofree char *expected = g_strconcat(table->name, ".parquet", NULL);
	if (g_strcmp0(name, expected) != 0)
		return refuse(error, "a work file");
	return placing_move(table, answer->folders->work, name, answer->folders->published, error);
}

static bool fill_local(struct published_table *table, json_t *line)
{
	const char *key, *md5;
	json_int_t rows;
	if (json_unpack(line, "{ss ss sI si}", "key", &key, "md5", &md5, "rows", &rows, "columns",
			&table->columns) < 0 ||
	    !is_md5(md5) || rows < 0 || table->columns < 1 || table->columns > MOST_COLUMNS)
		return false;
	table->key = g_strdup(key);
	table->md5 = g_strdup(md5);
	table->rows = rows;
	return true;
}

static bool fill_remote(struct published_table *table, json_t *line)
{
	const char *alias, *schema, *name;
	if (json_unpack(line, "{s[sss]}", "remote", &alias, &schema, &name) < 0 ||
	    !name_is_strict(alias) || !name_is_relaxed(schema) || !name_is_relaxed(name))
		return false;
	table->alias = g_strdup(alias);
	table->schema = g_strdup(schema);
	table->table = g_strdup(name);
	return true;
}

static void add_failure(struct answer *answer, const char *name, const char *message)
{
	g_autofree char *cut = g_utf8_substring(message, 0,
						MIN(LONGEST_MESSAGE, g_utf8_strlen(message, -1)));
	const struct published_table *previous = previous_of(answer, name);
	published_source_add_failure(answer->source, name, cut);
	if (previous)
		g_ptr_array_add(answer->source->tables, published_table_copy(previous));
}

/* A table with nothing wrong about the words; its file may still be. */
static bool take_file(struct answer *answer, struct published_table *filled, json_t *line,
		      GError **error)
{
	g_autoptr(published_table) table = filled;
	g_autoptr(GError) cause = NULL;
	bool placed = json_object_get(line, "link") ? take_link(answer, table, line, &cause)
						    : take_work(answer, table, line, &cause);
	if (placed) {
		g_ptr_array_add(answer->source->tables, g_steal_pointer(&table));
		return true;
	}
	if (g_error_matches(cause, AGNES_ERROR, AGNES_ERROR_INVALID)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	answer->retry = true;
	add_failure(answer, table->name, cause->message);
	return true;
}

static bool take_same(struct answer *answer, const char *name, const char *description,
		      int64_t extracted_at, GError **error)
{
	const struct published_table *previous = previous_of(answer, name);
	if (!previous)
		return refuse(error, "a table that is the same as none");
	struct published_table *table = published_table_copy(previous);
	g_free(table->name);
	g_free(table->description);
	table->name = g_strdup(name);
	table->description = g_strdup(description);
	table->extracted_at = extracted_at;
	g_ptr_array_add(answer->source->tables, table);
	return true;
}

static bool take_table(struct answer *answer, const char *name, json_t *line, GError **error)
{
	const char *description;
	json_int_t extracted_at;
	if (json_unpack(line, "{ss sI}", "description", &description, "extracted_at",
			&extracted_at) < 0 ||
	    g_utf8_strlen(description, -1) > EXTRACT_LONGEST_DESCRIPTION)
		return refuse(error, "a table without description or time");
	if (json_is_true(json_object_get(line, "same")))
		return take_same(answer, name, description, extracted_at, error);
	g_autoptr(published_table) table = g_new0(struct published_table, 1);
	table->name = g_strdup(name);
	table->description = g_strdup(description);
	table->extracted_at = extracted_at;
	table->materialized = is_materialized(answer->request, name);
	if (!json_object_get(line, "remote"))
		return fill_local(table, line)
			       ? take_file(answer, g_steal_pointer(&table), line, error)
			       : refuse(error, "a local table");
	if (!fill_remote(table, line))
		return refuse(error, "a remote table");
	g_ptr_array_add(answer->source->tables, g_steal_pointer(&table));
	return true;
}

static bool take_named(struct answer *answer, const char *name, json_t *line, GError **error)
{
	if (!name_is_strict(name) || !g_hash_table_add(answer->seen, g_ascii_strdown(name, -1)) ||
	    g_hash_table_size(answer->seen) > EXTRACT_MOST_TABLES)
		return refuse(error, "the name of a table");
	const char *failure = json_string_value(json_object_get(line, "error"));
	if (!failure)
		return take_table(answer, name, line, error);
	answer->retry = answer->retry || json_is_true(json_object_get(line, "retry"));
	add_failure(answer, name, failure);
	return true;
}

static bool take_attach(struct answer *answer, json_t *line, GError **error)
{
	const char *alias, *extension, *url, *token_env;
	if (json_unpack(line, "{s[ssss]}", "attach", &alias, &extension, &url, &token_env) < 0 ||
	    answer->source->attached->len >= EXTRACT_MOST_ATTACHED)
		return refuse(error, "a remote database");
	published_source_add_attach(answer->source, alias, extension, url, token_env);
	return true;
}

static bool take_failure(const json_t *line, const char *message, GError **error)
{
	bool retry = json_is_true(json_object_get(line, "retry"));
	g_set_error(error, AGNES_ERROR, retry ? AGNES_ERROR_BUSY : AGNES_ERROR_INVALID, "%.*s",
		    LONGEST_MESSAGE, message);
	return false;
}

static bool take_answer(struct answer *answer, json_t *line, GError **error)
{
	if (answer->done)
		return refuse(error, "more after the end");
	const char *name = json_string_value(json_object_get(line, "table"));
	const char *note = json_string_value(json_object_get(line, "note"));
	const char *failure = json_string_value(json_object_get(line, "error"));
	answer->done = json_is_true(json_object_get(line, "done"));
	if (answer->done)
		return true;
	if (name)
		return take_named(answer, name, line, error);
	if (failure)
		return take_failure(line, failure, error);
	if (!note)
		return take_attach(answer, line, error);
	g_info("source '%s': %.*s", answer->request->source, LONGEST_MESSAGE, note);
	return true;
}

static json_t *known_keys(const struct published_source *previous)
{
	json_t *known = json_object();
	for (guint i = 0; i < previous->tables->len; i++) {
		const struct published_table *table = g_ptr_array_index(previous->tables, i);
		if (table->key)
			json_object_set_new(known, table->name, json_string(table->key));
	}
	return known;
}

static json_t *reader_request(const struct answer *answer, const char *stamp)
{
	const struct publish_request *request = answer->request;
	const struct publish_limits *limits = request->limits;
	json_t *materialized = json_array();
	for (const char *const *name = request->materialized; name && *name; name++)
		json_array_append_new(materialized, json_string(*name));
	/* Publishing again means from the files, not from what is known of them. */
	json_t *known = request->again ? json_object() : known_keys(request->previous);
	return json_pack("{ss ss ss ss sb si si si so so}", "source", request->source, "folder",
			 answer->folders->extract, "work", answer->folders->work, "stamp", stamp,
			 "described", publication_is_described(request->previous), "memory_mb",
			 limits->memory_mb, "threads", limits->threads, "newest_landlock",
			 limits->newest_landlock, "materialized", materialized, "known", known);
}

static bool converse(struct answer *answer, const json_t *request, GError **error)
{
	const struct publish_limits *limits = answer->request->limits;
	const struct child_options options = {
		.command = "rebuild-source",
		.what = "its reader",
		.seconds = limits->seconds,
		.longest_line = LONGEST_ANSWER,
		.longest_answer = LONGEST_ANSWERS,
	};
	g_autoptr(GError) cause = NULL;
	g_autoptr(child) reader = child_start(&options, request, error);
	if (!reader)
		return false;
	for (json_t *next; (next = child_next(reader, &cause));) {
		g_autoptr(json_t) line = next;
		if (!take_answer(answer, line, error))
			return false;
	}
	if (cause) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return false;
	}
	if (answer->done)
		return true;
	/* It ended without a word: what it died of is all that there is to say. */
	g_autofree char *end = child_end_text(reader);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
		    "its reader %s; see whether the extract is damaged or needs more than %d MB of "
		    "memory, then run 'agnesd rebuild %s'",
		    end, limits->memory_mb, answer->request->source);
	return false;
}

struct published_source *answer_read(const struct publish_request *request,
				     const struct answer_folders *folders, const char *stamp,
				     GError **error)
{
	g_auto(answer) answer = {
		.request = request,
		.folders = folders,
		.previous = index_tables(request->previous),
		.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
		.source = published_source_new(request->source),
	};
	g_autoptr(json_t) question = reader_request(&answer, stamp);
	if (!converse(&answer, question, error))
		return NULL;
	/* Without a fingerprint the next rebuild tries again. */
	if (!answer.retry) {
		g_free(answer.source->fingerprint);
		answer.source->fingerprint = g_strdup(stamp);
	}
	return g_steal_pointer(&answer.source);
}
