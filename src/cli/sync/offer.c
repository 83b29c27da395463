/* The manifest and its copy. */
#include "cli/sync/offer.h"

#include "base/error.h"

#include <string.h>

#define COPY_FILE "server/manifest.json"

/* What the copy says, if it is one of this server. */
static json_t *read_copy(const struct workspace *workspace, const char *server)
{
	size_t size;
	g_autofree char *text = workspace_read(workspace, COPY_FILE, SYNC_MANIFEST_BYTES, &size,
					       NULL);
	g_autoptr(json_t) copy = text ? json_parse(text, size, COPY_FILE, NULL) : NULL;
	const char *from = json_string_value(json_object_get(copy, "server"));
	bool usable = g_strcmp0(from, server) == 0 &&
		      json_is_string(json_object_get(copy, "etag")) &&
		      json_is_object(json_object_get(copy, "manifest"));
	return usable ? g_steal_pointer(&copy) : NULL;
}

/* Without it the next sync asks for the whole manifest, so that a failure is no matter. */
static void keep_copy(const struct workspace *workspace, const char *server,
		      const struct api_reply *reply)
{
	g_autoptr(GError) error = NULL;
	const char *etag = http_reply_header(reply->reply, "ETag");
	if (!etag)
		return;
	g_autoptr(json_t) copy = json_pack("{ss ss sO}", "server", server, "etag", etag, "manifest",
					   reply->json);
	g_autofree char *text = copy ? json_to_text(copy) : NULL;
	if (text && !workspace_write(workspace, COPY_FILE, text, strlen(text), false, &error))
		g_debug("%s", error->message);
}

static void set_refused(const struct api_reply *reply, GError **error)
{
	g_autofree char *detail = api_detail(reply);
	g_set_error(error, AGNES_ERROR,
		    reply->status == 401 ? AGNES_ERROR_DENIED : AGNES_ERROR_UNAVAILABLE,
		    "HTTP %d: %s%s", reply->status, detail,
		    reply->status == 401 ? "; sign in with: da auth login" : "");
}

struct sync_manifest *sync_offer_fetch(struct api *api, const struct workspace *workspace,
				       bool keep, GError **error)
{
	g_autoptr(json_t) copy = read_copy(workspace, api_server(api));
	const struct api_call call = {
		.path = "/api/sync/manifest",
		.longest = SYNC_MANIFEST_BYTES,
		.etag = json_string_value(json_object_get(copy, "etag")),
	};
	g_autoptr(api_reply) reply = api_send(api, &call, error);
	if (!reply)
		return NULL;
	if (reply->status == 304 && copy)
		return sync_manifest_read(json_object_get(copy, "manifest"), error);
	if (!http_reply_is_fine(reply->reply)) {
		set_refused(reply, error);
		return NULL;
	}
	if (!reply->json) {
		const char *type = http_reply_header(reply->reply, "Content-Type");
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "%s answers with %s and not with JSON; is it the address of an Agnes "
			    "server?",
			    api_server(api), type ? type : "something");
		return NULL;
	}
	struct sync_manifest *manifest = sync_manifest_read(reply->json, error);
	if (manifest && keep)
		keep_copy(workspace, api_server(api), reply);
	return manifest;
}
