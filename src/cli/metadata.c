/* The catalogue and the metrics as files. */
#include "cli/metadata.h"

#include "cli/output.h"

#include <string.h>
#include <unistd.h>

static const struct {
	const char *path, *file;
} parts[] = {
	{"/api/catalog/tables", "schema.json"},
	{"/api/metrics", "metrics.json"},
};

static void write_file(const struct workspace *workspace, const char *file, const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *below = g_build_filename(WORKSPACE_METADATA, file, NULL);
	if (!workspace_write(workspace, below, text, strlen(text), false, &error))
		output_warn("Warning: %s\n", error->message);
}

static void write_part(const struct workspace *workspace, int folder, const char *file,
		       const struct api_reply *reply, const char *failure)
{
	if (reply && http_reply_is_fine(reply->reply) && reply->json) {
		char *text = json_dumps(reply->json, JSON_INDENT(2) | JSON_ENCODE_ANY);
		write_file(workspace, file, text);
		free(text);
		return;
	}
	g_autofree char *detail = reply ? api_detail(reply) : g_strdup(failure);
	output_warn("Warning: %s was not refreshed: %s\n", file, detail);
	if (faccessat(folder, file, F_OK, 0) < 0)
		write_file(workspace, file, "[]");
}

void metadata_refresh(const struct workspace *workspace, struct api *api)
{
	AUTO_FD folder = workspace_folder(workspace, WORKSPACE_METADATA, NULL);
	for (size_t i = 0; folder >= 0 && i < G_N_ELEMENTS(parts); i++) {
		g_autoptr(GError) error = NULL;
		const struct api_call call = {.path = parts[i].path};
		g_autoptr(api_reply) reply = api_send(api, &call, &error);
		write_part(workspace, folder, parts[i].file, reply, error ? error->message : "");
	}
}
