/* /api/upload: what clients send for safe keeping, in a folder of each user. */
#include "app/app.h"
#include "app/audit.h"
#include "app/auth/secret.h"
#include "app/routes.h"
#include "base/error.h"
#include "base/files.h"
#include "extract/names.h"

#include <string.h>
#include <sys/stat.h>

enum {
	FILE_LIMIT = 50 * 1024 * 1024,
	FORM_BYTES = 64 * 1024, /* beside the file */
	/* Of a stored name: the file system allows 255, some of them for a temporary one. */
	LONGEST_NAME = 240,
	MOST_FILES = 10 * 1000, /* of one kind and user */
	NAME_DIGITS = 24,	/* of a hash, for a file of one user */
	RANDOM_BYTES = 4,
	TEXT_LIMIT = 4 * 1024 * 1024, /* of the JSON around the notes */
};
static const int64_t MOST_BYTES = INT64_C(10) * 1024 * 1024 * 1024; /* of one kind and user */

/* --- names --- */

static bool has_control(const char *name)
{
	for (const char *at = name; *at; at = g_utf8_next_char(at)) {
		if (g_unichar_iscntrl(g_utf8_get_char(at)))
			return true;
	}
	return false;
}

/* Cuts before the ending, where a character begins. */
static char *shorten(const char *name)
{
	size_t length = strlen(name);
	const char *dot = strrchr(name, '.');
	const char *ending = dot && strlen(dot) < LONGEST_NAME / 2 ? dot : name + length;
	if (length <= LONGEST_NAME)
		return g_strdup(name);
	const char *cut = name + LONGEST_NAME - strlen(ending) + 1;
	g_autofree char *stem = g_strndup(name, (size_t)(g_utf8_find_prev_char(name, cut) - name));
	return g_strconcat(stem, ending, NULL);
}

/* The last part of the path that the client names, or one of ours; NULL: it cannot be stored. */
static char *stored_name(const char *given)
{
	g_autofree char *path = g_strdup(given);
	for (size_t end = strlen(path); end > 0 && path[end - 1] == '/'; end--)
		path[end - 1] = '\0';
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	if (has_control(name))
		return NULL;
	if (*name && *name != '.')
		return shorten(name);
	g_autofree char *random = secret_random_hex(RANDOM_BYTES);
	return g_strconcat("upload_", random, NULL);
}

/* --- files --- */

/* Whether the user may store that much more; what cannot be looked at does not count. */
static bool has_room(const char *folder, uint64_t size)
{
	int files = 0;
	int64_t bytes = (int64_t)size;
	const char *name;
	g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
	while (entries && (name = g_dir_read_name(entries))) {
		struct stat status;
		g_autofree char *path = g_build_filename(folder, name, NULL);
		if (lstat(path, &status) < 0)
			continue;
		files++;
		bytes += status.st_size;
	}
	return files < MOST_FILES && bytes <= MOST_BYTES;
}

/* Ids of users are ours, but an older file may have others. */
static char *folder_of(const struct http_request *request, const char *kind)
{
	const char *id = caller_of(request)->user->row->id;
	g_autofree char *owner = name_is_relaxed(id) ? g_strdup(id) : secret_hash(id);
	return g_build_filename(app_of(request)->data_dir, kind, owner, NULL);
}

static struct http_response *store(struct http_request *request, const char *kind,
				   const char *action)
{
	GError *error = NULL;
	const struct http_upload *upload = http_request_upload(request, "file");
	if (upload->size > FILE_LIMIT)
		return http_refuse(413, "File too large (max 50MB)");
	g_autofree char *name = stored_name(upload->filename);
	if (!name)
		return http_refuse(400, "The file name has control characters");
	g_autofree char *folder = folder_of(request, kind);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	if (!has_room(folder, upload->size))
		return http_refuse(413, "Your uploads fill the room that each user has; ask an "
					"administrator to clear old ones");
	/* Copied beside its place and renamed: nobody sees a part of it. */
	if (!files_make_folder(folder, &error) || !files_copy_open(upload->fd, path, &error))
		return http_refuse_error(request, error);
	audit_caller(request, action, NULL, NULL,
		     json_pack("{ss sI}", "filename", name, "size", (json_int_t)upload->size));
	return http_json(200, json_pack("{ss ss sI}", "status", "ok", "filename", name, "size",
					(json_int_t)upload->size));
}

static struct http_response *upload_session(struct http_request *request)
{
	return store(request, "user_sessions", "upload.session");
}

static struct http_response *upload_artifact(struct http_request *request)
{
	return store(request, "user_artifacts", "upload.artifact");
}

/* --- a user's CLAUDE.local.md --- */

static struct http_response *upload_local_md(struct http_request *request)
{
	GError *error = NULL;
	const char *email = caller_of(request)->user->row->email;
	const char *content = http_request_text(request, "content");
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, email, -1);
	g_autofree char *name = g_strdup_printf("%.*s.md", NAME_DIGITS, hash);
	g_autofree char *folder = g_build_filename(app_of(request)->data_dir, "user_local_md",
						   NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	json_int_t characters = g_utf8_strlen(content, -1);
	if (!files_make_folder(folder, &error) ||
	    !files_replace(path, content, strlen(content), 0600, &error))
		return http_refuse_error(request, error);
	audit_caller(request, "upload.local_md", NULL, NULL, json_pack("{sI}", "size", characters));
	return http_json(
		200, json_pack("{ss ss sI}", "status", "ok", "user", email, "size", characters));
}

static const struct http_field file_fields[] = {
	{"file", HTTP_IN_FILE, HTTP_STRING, .required = true, .meaning = "at most 50 MiB"}, {0}};
static const struct http_field text_fields[] = {
	{"content", HTTP_IN_BODY, HTTP_STRING, .required = true}, {0}};
static const struct http_answer stored[] = {
	{400, "Its name cannot be stored"}, {413, "It is too large, or there is no room"}, {0}};

const struct http_route upload_routes[] = {
	{HTTP_POST, "/api/upload/sessions", ACCESS_USER, HTTP_BLOCKING, HTTP_FORM,
	 .body_limit = FILE_LIMIT + FORM_BYTES, .fields = file_fields, .tag = "uploads",
	 .answers = stored, .summary = "Keep the transcript of a session",
	 .handle = upload_session},
	{HTTP_POST, "/api/upload/artifacts", ACCESS_USER, HTTP_BLOCKING, HTTP_FORM,
	 .body_limit = FILE_LIMIT + FORM_BYTES, .fields = file_fields, .tag = "uploads",
	 .answers = stored, .summary = "Keep a file", .handle = upload_artifact},
	{HTTP_POST, "/api/upload/local-md", ACCESS_USER, HTTP_BLOCKING, HTTP_JSON,
	 .body_limit = TEXT_LIMIT, .fields = text_fields, .tag = "uploads",
	 .summary = "Keep the caller's own notes for agents", .handle = upload_local_md},
	{0},
};
