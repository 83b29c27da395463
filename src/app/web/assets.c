/* /docs and /static: files that anybody may fetch. */
#include "app/web/assets.h"

#include "app/app.h"
#include "app/routes.h"
#include "base/resources.h"
#include "http/static.h"

struct assets {
	struct http_static *docs, *files; /* NULL: the folder is not there */
};

static struct http_static *open_folder(const char *web, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = g_build_filename(web, name, NULL);
	struct http_static *files = http_static_new(path, &error);
	if (!files)
		g_warning("/%s stays empty: %s", name, error->message);
	return files;
}

struct assets *assets_new(void)
{
	struct assets *assets = g_new0(struct assets, 1);
	g_autofree char *web = resources_folder("AGNES_WEB_DIR", "web");
	assets->docs = open_folder(web, "docs");
	assets->files = open_folder(web, "static");
	return assets;
}

void assets_free(struct assets *assets)
{
	if (!assets)
		return;
	http_static_free(assets->docs);
	http_static_free(assets->files);
	g_free(assets);
}

static struct http_response *serve(const struct http_static *files, const char *path)
{
	struct http_response *response = files ? http_static_serve(files, path)
					       : http_refuse(404, "Not Found");
	/* Browsers ask each time, else they mix the files of two versions. */
	http_response_header(response, "Cache-Control", "no-cache");
	return response;
}

static struct http_response *get_docs(struct http_request *request)
{
	return serve(app_of(request)->assets->docs, "index.html");
}

static struct http_response *get_docs_file(struct http_request *request)
{
	return serve(app_of(request)->assets->docs, http_request_text(request, "path"));
}

static struct http_response *get_static_file(struct http_request *request)
{
	return serve(app_of(request)->assets->files, http_request_text(request, "path"));
}

static const struct http_field path_fields[] = {
	{"path", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};
static const struct http_answer served[] = {
	{200, "The file"}, {304, "It is still the same"}, {404, "There is none"}, {0}};

const struct http_route asset_routes[] = {
	{HTTP_GET, "/docs", ACCESS_ANYBODY, .tag = "documentation",
	 .summary = "A page that shows the description of the API", .handle = get_docs},
	{HTTP_GET, "/docs/oauth2-redirect", ACCESS_ANYBODY, .tag = "documentation",
	 .summary = "The same page: no sign-in elsewhere comes back here", .handle = get_docs},
	{HTTP_GET, "/docs/{path...}", ACCESS_ANYBODY, .fields = path_fields, .tag = "documentation",
	 .answers = served, .summary = "What that page is made of", .handle = get_docs_file},
	{HTTP_GET, "/redoc", ACCESS_ANYBODY, .tag = "documentation",
	 .summary = "The same page as /docs", .handle = get_docs},
	{HTTP_GET, "/static/{path...}", ACCESS_ANYBODY, .fields = path_fields, .tag = "pages",
	 .answers = served, .summary = "Styles, scripts and pictures of the pages",
	 .handle = get_static_file},
	{0},
};
