/* Sending what has changed. */
#include "cli/sync/upload.h"

#include "base/beneath.h"
#include "base/error.h"
#include "base/files.h"
#include "base/order.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define MEMORY_FILE  "upload_state.json"
#define NOTES_FOLDER ".claude"
#define NOTES_NAME   "CLAUDE.local.md"
#define NOTES_FILE   NOTES_FOLDER "/" NOTES_NAME

enum {
	NOTES_LIMIT = 3 * 1024 * 1024,
	MOST_REMEMBERED = 10 * 1000,
	SECONDS_UPLOAD = 300,
};

struct uploads {
	const struct workspace *workspace;
	struct api *api;
	json_t *memory; /* "server\npath" -> what was sent: "size mtime_ns" */
	struct upload_report *report;
};

static GPtrArray *session_names(const struct workspace *workspace)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	const struct dirent *entry;
	int folder = workspace_folder(workspace, WORKSPACE_SESSIONS, NULL);
	DIR *entries = folder < 0 ? NULL : fdopendir(folder);
	while (entries && (entry = readdir(entries))) {
		if (g_str_has_suffix(entry->d_name, ".jsonl"))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	}
	if (entries)
		closedir(entries);
	else
		descriptor_close(&folder);
	g_ptr_array_sort(names, order_texts);
	return names;
}

static bool has_notes(const struct workspace *workspace)
{
	AUTO_FD folder = workspace_folder(workspace, NOTES_FOLDER, NULL);
	struct stat status;
	return folder >= 0 && fstatat(folder, NOTES_NAME, &status, 0) == 0 &&
	       S_ISREG(status.st_mode);
}

json_t *upload_list(const struct workspace *workspace)
{
	g_autoptr(GPtrArray) names = session_names(workspace);
	g_autofree char *folder = workspace_path(workspace, WORKSPACE_SESSIONS);
	g_autofree char *notes = workspace_path(workspace, NOTES_FILE);
	json_t *sessions = json_array();
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
		json_array_append_new(sessions, json_string(path));
	}
	return json_pack("{so ss?}", "sessions", sessions, "local_md",
			 has_notes(workspace) ? notes : NULL);
}

/* --- what was sent before --- */

static char *memory_key(const struct uploads *uploads, const char *below)
{
	g_autofree char *path = workspace_path(uploads->workspace, below);
	return g_strconcat(api_server(uploads->api), "\n", path, NULL);
}

static char *stamp_of(const struct stat *status)
{
	return g_strdup_printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT ".%09ld",
			       (gint64)status->st_size, (gint64)status->st_mtim.tv_sec,
			       status->st_mtim.tv_nsec);
}

static bool was_sent(const struct uploads *uploads, const char *below, const struct stat *status)
{
	g_autofree char *key = memory_key(uploads, below);
	g_autofree char *stamp = stamp_of(status);
	return g_strcmp0(json_string_value(json_object_get(uploads->memory, key)), stamp) == 0;
}

static void remember(const struct uploads *uploads, const char *below, const struct stat *status)
{
	g_autofree char *key = memory_key(uploads, below);
	g_autofree char *stamp = stamp_of(status);
	if (json_object_size(uploads->memory) >= MOST_REMEMBERED)
		json_object_clear(uploads->memory);
	json_object_set_new(uploads->memory, key, json_string(stamp));
}

/* --- sending --- */

/* Whether the server has taken it; else the reason goes to standard error. */
static bool send_call(const struct uploads *uploads, const struct api_call *call, const char *what)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(api_reply) reply = api_send(uploads->api, call, &error);
	if (reply && reply->status == 200)
		return true;
	g_autofree char *detail = reply ? api_detail(reply) : g_strdup(error->message);
	output_warn("Warning: %s was not uploaded: %s\n", what, detail);
	return false;
}

static void send_session(struct uploads *uploads, const char *name)
{
	struct stat status;
	g_autoptr(GError) error = NULL;
	g_autofree char *below = g_build_filename(WORKSPACE_SESSIONS, name, NULL);
	AUTO_FD folder = workspace_folder(uploads->workspace, WORKSPACE_SESSIONS, &error);
	AUTO_FD fd = folder < 0
			     ? -1
			     : beneath_open_unlinked(folder, name, O_RDONLY | O_NONBLOCK, &error);
	if (fd < 0 || fstat(fd, &status) < 0) {
		output_warn("Warning: %s was not uploaded: %s\n", name,
			    error ? error->message : "it cannot be looked at");
		return;
	}
	if (was_sent(uploads, below, &status))
		return;
	const struct http_file file = {
		.field = "file", .filename = name, .type = "application/octet-stream", .fd = fd};
	const struct api_call call = {
		.path = "/api/upload/sessions", .file = &file, .seconds = SECONDS_UPLOAD};
	if (!send_call(uploads, &call, name))
		return;
	uploads->report->sessions++;
	remember(uploads, below, &status);
}

static void send_notes(struct uploads *uploads)
{
	size_t size;
	struct stat status;
	g_autoptr(GError) error = NULL;
	AUTO_FD folder = workspace_folder(uploads->workspace, NOTES_FOLDER, NULL);
	if (folder < 0 || fstatat(folder, NOTES_NAME, &status, 0) < 0 ||
	    was_sent(uploads, NOTES_FILE, &status))
		return;
	g_autofree char *raw = workspace_read(uploads->workspace, NOTES_FILE, NOTES_LIMIT, &size,
					      &error);
	if (!raw) {
		output_warn("Warning: " NOTES_NAME " was not uploaded: %s\n", error->message);
		return;
	}
	g_autofree char *text = g_utf8_make_valid(raw, (gssize)size);
	g_autoptr(json_t) body = json_pack("{ss}", "content", text);
	const struct api_call call = {.path = "/api/upload/local-md", .body = body};
	uploads->report->notes = send_call(uploads, &call, NOTES_NAME);
	if (uploads->report->notes)
		remember(uploads, NOTES_FILE, &status);
}

void upload_all(const struct workspace *workspace, struct api *api, struct upload_report *report)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) before = settings_read_json(MEMORY_FILE, NULL);
	g_autoptr(json_t) memory = before ? json_deep_copy(before) : json_object();
	g_autoptr(GPtrArray) names = session_names(workspace);
	struct uploads uploads = {
		.workspace = workspace, .api = api, .memory = memory, .report = report};
	*report = (struct upload_report){0};
	for (guint i = 0; i < names->len; i++)
		send_session(&uploads, names->pdata[i]);
	send_notes(&uploads);
	if (!json_equal(before, memory) &&
	    !settings_write_json(MEMORY_FILE, memory, JSON_INDENT(2) | JSON_ENSURE_ASCII, &error))
		output_warn("Warning: %s\n", error->message);
}
