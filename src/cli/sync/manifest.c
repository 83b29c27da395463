/* Reading a manifest, of which nothing is believed before it was looked at. */
#include "cli/sync/manifest.h"

#include "base/error.h"
#include "base/md5.h"
#include "extract/names.h"

#include <string.h>

enum { MOST_SHOWN = 40 };

static void free_table(void *data)
{
	struct offered_table *table = data;
	g_free(table->name);
	g_free(table->hash);
	g_free(table);
}

void sync_manifest_free(struct sync_manifest *manifest)
{
	if (!manifest)
		return;
	g_ptr_array_unref(manifest->tables);
	g_free(manifest);
}

bool sync_hash_is_md5(const char *hash)
{
	return strlen(hash) == MD5_DIGITS && strspn(hash, "0123456789abcdef") == MD5_DIGITS;
}

/* Members that are missing, null or of another type read as nothing. */
static int64_t count_of(const json_t *value, const char *member)
{
	const json_t *number = json_object_get(value, member);
	return json_is_integer(number) ? MAX(json_integer_value(number), 0) : 0;
}

static const char *text_of(const json_t *value, const char *member)
{
	const char *text = json_string_value(json_object_get(value, member));
	return text ? text : "";
}

static struct offered_table *read_table(const char *name, const json_t *value)
{
	struct offered_table *table = g_new(struct offered_table, 1);
	*table = (struct offered_table){
		.name = g_strdup(name),
		.hash = g_strdup(text_of(value, "hash")),
		.rows = count_of(value, "rows"),
		.size_bytes = count_of(value, "size_bytes"),
		.is_remote = strcmp(text_of(value, "query_mode"), "remote") == 0,
		.is_safe = name_is_relaxed(name),
	};
	return table;
}

struct sync_manifest *sync_manifest_parse(const char *text, size_t size, GError **error)
{
	g_autoptr(json_t) root = json_parse(text, size, "the manifest", error);
	return root ? sync_manifest_read(root, error) : NULL;
}

struct sync_manifest *sync_manifest_read(const json_t *root, GError **error)
{
	const char *name;
	json_t *value;
	json_t *tables = json_object_get(root, "tables");
	if (!json_is_object(tables)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
				    "the server's answer is no manifest: it has no \"tables\"");
		return NULL;
	}
	if (json_object_size(tables) > SYNC_MANIFEST_TABLES) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE,
			    "the manifest has %zu tables, more than %d", json_object_size(tables),
			    SYNC_MANIFEST_TABLES);
		return NULL;
	}
	struct sync_manifest *manifest = g_new(struct sync_manifest, 1);
	manifest->tables = g_ptr_array_new_with_free_func(free_table);
	json_object_foreach(tables, name, value)
		g_ptr_array_add(manifest->tables, read_table(name, value));
	return manifest;
}

char *sync_name_to_show(const char *name)
{
	GString *shown = g_string_new(NULL);
	int left = MOST_SHOWN;
	for (const char *at = name; *at; at = g_utf8_next_char(at)) {
		gunichar letter = g_utf8_get_char(at);
		if (left-- == 0) {
			g_string_append(shown, "…");
			break;
		}
		if (g_unichar_isprint(letter))
			g_string_append_unichar(shown, letter);
		else
			g_string_append_printf(shown, "\\x%02x", letter);
	}
	return g_string_free(shown, FALSE);
}
