/* From the bundle of corporate memory to files. */
#include "cli/sync/rules.h"

#include "base/error.h"
#include "base/files.h"
#include "cli/output.h"
#include "cli/sync/manifest.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define APPROVED_FILE "km_approved.md"

enum { LONGEST_ID = 128, FILE_MODE = 0600 };

struct rules {
	int folder;
	GHashTable *written; /* names of files */
};

static const char *text_of(const json_t *item, const char *member)
{
	const char *text = json_string_value(json_object_get(item, member));
	return text ? text : "";
}

static const char *title_of(const json_t *item)
{
	const char *title = text_of(item, "title");
	return *title ? title : "Untitled";
}

static void write_rule(struct rules *rules, char *name, const GString *text)
{
	g_autoptr(GError) error = NULL;
	if (!files_replace_at(rules->folder, name, text->str, text->len, FILE_MODE, false, &error))
		output_warn("Warning: %s\n", error->message);
	g_hash_table_add(rules->written, name);
}

/* "approved" would take the place of the file of that name. */
static bool is_safe_id(const char *id)
{
	size_t length = strlen(id);
	return length > 0 && length <= LONGEST_ID &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
		       length &&
	       strcmp(id, "approved") != 0;
}

static void write_mandatory(struct rules *rules, const json_t *item)
{
	const char *id = text_of(item, "id"), *domain = text_of(item, "domain"),
		   *category = text_of(item, "category");
	if (!is_safe_id(id)) {
		g_autofree char *shown = sync_name_to_show(id);
		output_warn("Skipping mandatory item with unsafe id: %s\n", shown);
		return;
	}
	GString *text = g_string_new(NULL);
	g_string_append_printf(text, "# %s\n", title_of(item));
	if (*domain)
		g_string_append_printf(text, "_Domain: %s_\n", domain);
	if (*category)
		g_string_append_printf(text, "_Category: %s_\n", category);
	g_string_append_printf(text, "\n%s", text_of(item, "content"));
	write_rule(rules, g_strdup_printf("km_%s.md", id), text);
	g_string_free(text, TRUE);
}

static void write_approved(struct rules *rules, const json_t *items)
{
	size_t i;
	const json_t *item;
	if (json_array_size(items) == 0)
		return;
	GString *text = g_string_new("# Approved Corporate Knowledge\n");
	json_array_foreach(items, i, item) g_string_append_printf(
		text, "\n## %s\n\n%s\n", title_of(item), text_of(item, "content"));
	write_rule(rules, g_strdup(APPROVED_FILE), text);
	g_string_free(text, TRUE);
}

/* Those of earlier times. */
static void remove_others(const struct rules *rules)
{
	const struct dirent *entry;
	int copy = fcntl(rules->folder, F_DUPFD_CLOEXEC, 0);
	DIR *entries = copy < 0 ? NULL : fdopendir(copy);
	while (entries && (entry = readdir(entries))) {
		if (g_str_has_prefix(entry->d_name, "km_") &&
		    g_str_has_suffix(entry->d_name, ".md") &&
		    !g_hash_table_contains(rules->written, entry->d_name))
			unlinkat(rules->folder, entry->d_name, 0);
	}
	if (entries)
		closedir(entries);
}

static void write_all(const struct workspace *workspace, const json_t *bundle)
{
	size_t i;
	const json_t *item;
	g_autoptr(GError) error = NULL;
	AUTO_FD folder = workspace_make_folder(workspace, WORKSPACE_RULES, &error);
	if (folder < 0) {
		output_warn("Warning: %s\n", error->message);
		return;
	}
	struct rules rules = {.folder = folder};
	rules.written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	json_array_foreach(json_object_get(bundle, "mandatory"), i, item)
		write_mandatory(&rules, item);
	write_approved(&rules, json_object_get(bundle, "approved"));
	remove_others(&rules);
	g_hash_table_unref(rules.written);
}

void sync_rules(const struct workspace *workspace, struct api *api)
{
	g_autoptr(GError) error = NULL;
	const struct api_call call = {.path = "/api/memory/bundle"};
	g_autoptr(api_reply) reply = api_send(api, &call, &error);
	if (reply && reply->status == 404)
		return;
	if (reply && http_reply_is_fine(reply->reply) && json_is_object(reply->json)) {
		write_all(workspace, reply->json);
		return;
	}
	g_autofree char *detail = reply ? api_detail(reply) : g_strdup(error->message);
	output_warn("Corporate memory bundle unavailable (skipping): %s\n", detail);
}
