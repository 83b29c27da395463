/* From YAML to records: which key is which column, and what is wrong with a value. */
#include "engine/metrics.h"

#include "base/error.h"
#include "base/json.h"
#include "base/order.h"
#include "base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum {
	MAX_FILES = 10000,
	MAX_NAME = 128, /* bytes */
};

#define VARIANT_PREFIX "sql_"
#define VARIANT_KEY    "sql_by_"

struct metric_key {
	const char *key;
	size_t offset;
	bool required; /* may be left out, but not null */
};

#define METRIC_KEY(key, member, required)                          \
	{                                                          \
		(key), offsetof(struct metric, member), (required) \
	}

/* `table` is what counts when both are there. */
static const struct metric_key texts[] = {
	METRIC_KEY("name", name, true),
	METRIC_KEY("category", category, false),
	METRIC_KEY("display_name", display_name, true),
	METRIC_KEY("description", description, false),
	METRIC_KEY("type", type, false),
	METRIC_KEY("unit", unit, false),
	METRIC_KEY("grain", grain, false),
	METRIC_KEY("table_name", table_name, false),
	METRIC_KEY("table", table_name, false),
	METRIC_KEY("expression", expression, false),
	METRIC_KEY("time_column", time_column, false),
	METRIC_KEY("sql", sql, true),
};

static const struct metric_key lists[] = {
	METRIC_KEY("tables", tables, false),   METRIC_KEY("dimensions", dimensions, false),
	METRIC_KEY("filters", filters, false), METRIC_KEY("synonyms", synonyms, false),
	METRIC_KEY("notes", notes, false),
};

/* One file while it is read. */
struct reading {
	struct metric_pack *pack;
	const char *file;
	const char *category; /* of the folder; NULL: none */
};

bool metrics_name_is_good(const char *name)
{
	if (!name || !*name || *name == '.' || strlen(name) > MAX_NAME)
		return false;
	for (const char *at = name; *at; at = g_utf8_next_char(at)) {
		if (*at == '/' || *at == '\\' || g_unichar_iscntrl(g_utf8_get_char(at)))
			return false;
	}
	return true;
}

static bool G_GNUC_PRINTF(4, 5)
	fail_at(const struct reading *reading, const struct yaml_place *place, GError **error,
		const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s:%d:%d: %s", reading->file,
		    place ? place->line : 1, place ? place->column : 1, what);
	return false;
}

static void *keep(struct reading *reading, void *memory)
{
	g_ptr_array_add(reading->pack->memory, memory);
	return memory;
}

/* Of any scalar; NULL for what is none. */
static const char *text_of(struct reading *reading, const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_number(value) || json_is_boolean(value))
		return keep(reading, json_to_text(value));
	return NULL;
}

static bool set_texts(struct reading *reading, struct metric *metric, const json_t *entry,
		      const struct yaml_place *place, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		const json_t *value = json_object_get(entry, texts[i].key);
		if (!value)
			continue;
		const char *text = text_of(reading, value);
		if (!text && (texts[i].required || !json_is_null(value)))
			return fail_at(reading, yaml_place_member(place, texts[i].key), error,
				       "'%s' must be a text", texts[i].key);
		*(const char **)((char *)metric + texts[i].offset) = text;
	}
	return true;
}

/* A text alone stands for a list of it. */
static char **list_of(struct reading *reading, const char *key, const json_t *value,
		      const struct yaml_place *place, GError **error)
{
	const char *only = text_of(reading, value);
	if (only) {
		char **single = keep(reading, g_new0(char *, 2));
		single[0] = (char *)only;
		return single;
	}
	if (!json_is_array(value)) {
		fail_at(reading, place, error, "'%s' must be a list of texts", key);
		return NULL;
	}
	char **list = keep(reading, g_new0(char *, json_array_size(value) + 1));
	for (size_t i = 0; i < json_array_size(value); i++) {
		list[i] = (char *)text_of(reading, json_array_get(value, i));
		if (!list[i]) {
			fail_at(reading, yaml_place_item(place, i), error,
				"'%s' must be a list of texts, but item %zu is none", key, i + 1);
			return NULL;
		}
	}
	return list;
}

static bool set_lists(struct reading *reading, struct metric *metric, const json_t *entry,
		      const struct yaml_place *place, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		const char *key = lists[i].key;
		const json_t *value = json_object_get(entry, key);
		if (!value || json_is_null(value))
			continue;
		char **list = list_of(reading, key, value, yaml_place_member(place, key), error);
		if (!list)
			return false;
		*(char ***)((char *)metric + lists[i].offset) = list;
	}
	return true;
}

/* sql_by_<x>: one query a breakdown, kept under "by_<x>"; and whatever `validation` holds. */
static bool set_trees(struct reading *reading, struct metric *metric, json_t *entry,
		      const struct yaml_place *place, GError **error)
{
	g_autoptr(json_t) variants = json_object();
	const json_t *validation = json_object_get(entry, "validation");
	const char *key;
	json_t *value;
	json_object_foreach(entry, key, value)
	{
		if (!g_str_has_prefix(key, VARIANT_KEY))
			continue;
		if (!json_is_string(value) && !json_is_null(value))
			return fail_at(reading, yaml_place_member(place, key), error,
				       "'%s' must be a text", key);
		json_object_set(variants, key + strlen(VARIANT_PREFIX), value);
	}
	if (json_object_size(variants) > 0)
		metric->sql_variants = keep(reading, json_to_text(variants));
	if (validation && !json_is_null(validation))
		metric->validation = keep(reading, json_to_text(validation));
	return true;
}

static bool check_names(const struct reading *reading, const struct metric *metric,
			const struct yaml_place *place, GError **error)
{
	static const char rule[] = "at most 128 bytes, no slash or control character, no dot first";
	if (!metric->category)
		return fail_at(reading, place, error, "metric '%s' has no 'category'",
			       metric->name);
	if (!metrics_name_is_good(metric->name))
		return fail_at(reading, yaml_place_member(place, "name"), error,
			       "this cannot name a metric (%s)", rule);
	if (!metrics_name_is_good(metric->category))
		return fail_at(reading, yaml_place_member(place, "category"), error,
			       "this cannot be the category of '%s' (%s)", metric->name, rule);
	return true;
}

static bool read_entry(struct reading *reading, json_t *entry, const struct yaml_place *place,
		       GError **error)
{
	const json_t *name = json_object_get(entry, "name");
	if (!name || json_is_null(name)) {
		g_warning("%s:%d:%d: skipped: no metric without a 'name'", reading->file,
			  place->line, place->column);
		return true;
	}
	struct metric *metric = keep(reading, g_new(struct metric, 1));
	metric_init(metric);
	metric->source = "yaml_import";
	metric->category = reading->category;
	metric->sql = "";
	if (!set_texts(reading, metric, entry, place, error) ||
	    !set_lists(reading, metric, entry, place, error) ||
	    !set_trees(reading, metric, entry, place, error) ||
	    !check_names(reading, metric, place, error))
		return false;
	if (!metric->display_name)
		metric->display_name = metric->name;
	metric->id = keep(reading, g_strconcat(metric->category, "/", metric->name, NULL));
	g_ptr_array_add(reading->pack->metrics, metric);
	return true;
}

/* Takes the document. */
static bool read_document(struct reading *reading, struct yaml_document *document, GError **error)
{
	g_ptr_array_add(reading->pack->documents, document);
	if (json_is_null(document->root))
		return true;
	if (json_is_object(document->root))
		return read_entry(reading, document->root, document->place, error);
	if (!json_is_array(document->root))
		return fail_at(reading, document->place, error,
			       "a metric is a mapping with a 'name', or a list of such");
	for (size_t i = 0; i < json_array_size(document->root); i++) {
		const struct yaml_place *place = yaml_place_item(document->place, i);
		if (!read_entry(reading, json_array_get(document->root, i), place, error))
			return false;
	}
	return true;
}

static void free_document(void *document)
{
	yaml_document_free(document);
}

static struct metric_pack *pack_new(void)
{
	struct metric_pack *pack = g_new0(struct metric_pack, 1);
	pack->metrics = g_ptr_array_new();
	pack->documents = g_ptr_array_new_with_free_func(free_document);
	pack->memory = g_ptr_array_new_with_free_func(g_free);
	return pack;
}

void metric_pack_free(struct metric_pack *pack)
{
	if (!pack)
		return;
	g_ptr_array_unref(pack->metrics);
	g_ptr_array_unref(pack->documents);
	g_ptr_array_unref(pack->memory);
	g_free(pack);
}

struct metric_pack *metric_pack_parse(const char *text, size_t size, const char *name,
				      GError **error)
{
	g_autoptr(metric_pack) pack = pack_new();
	struct reading reading = {.pack = pack, .file = name};
	struct yaml_document *document = yaml_parse(text, size, name, error);
	return document && read_document(&reading, document, error) ? g_steal_pointer(&pack) : NULL;
}

static bool read_file(struct metric_pack *pack, const char *path, GError **error)
{
	struct reading reading = {.pack = pack, .file = path};
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	g_autofree char *folder = g_path_get_dirname(absolute);
	reading.category = keep(&reading, g_path_get_basename(folder));
	struct yaml_document *document = yaml_read(path, error);
	return document && read_document(&reading, document, error);
}

/* The entries of a folder whose names end so, hidden ones aside. */
static bool list_folder(const char *path, const char *suffix, GPtrArray *found, GError **error)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	if (!folder) {
		agnes_set_errno(error, errno, "cannot read the folder %s", path);
		return false;
	}
	for (const char *name; (name = g_dir_read_name(folder));) {
		if (*name == '.' || !g_str_has_suffix(name, suffix))
			continue;
		if (found->len >= MAX_FILES) {
			g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
				    "%s: more than %d files of metrics", path, MAX_FILES);
			return false;
		}
		g_ptr_array_add(found, g_build_filename(path, name, NULL));
	}
	return true;
}

static bool read_folder(struct metric_pack *pack, const char *path, GError **error)
{
	g_autoptr(GPtrArray) categories = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
	if (!list_folder(path, "", categories, error))
		return false;
	for (guint i = 0; i < categories->len; i++) {
		if (g_file_test(categories->pdata[i], G_FILE_TEST_IS_DIR) &&
		    !list_folder(categories->pdata[i], ".yml", files, error))
			return false;
	}
	g_ptr_array_sort(files, order_texts);
	for (guint i = 0; i < files->len; i++) {
		if (!read_file(pack, files->pdata[i], error))
			return false;
	}
	return true;
}

struct metric_pack *metric_pack_read(const char *path, GError **error)
{
	g_autoptr(metric_pack) pack = pack_new();
	bool read = g_file_test(path, G_FILE_TEST_IS_DIR) ? read_folder(pack, path, error)
							  : read_file(pack, path, error);
	return read ? g_steal_pointer(&pack) : NULL;
}
