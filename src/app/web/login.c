/* GET /login: where a browser without a session ends up. */
#include "app/app.h"
#include "app/auth/provider.h"
#include "app/routes.h"

/* With one way to sign in there is nothing to choose. */
static const struct auth_provider *only_provider(struct app *app)
{
	const struct auth_provider *only = NULL;
	for (const struct auth_provider *const *at = auth_providers; *at; at++) {
		if ((*at)->available && !(*at)->available(app))
			continue;
		if (only)
			return NULL;
		only = *at;
	}
	return only;
}

static char *path_with_next(const struct auth_provider *provider, const char *next)
{
	g_autofree char *encoded = g_uri_escape_string(next, NULL, FALSE);
	return *next ? g_strconcat(provider->path, "?next=", encoded, NULL)
		     : g_strdup(provider->path);
}

static struct http_response *choice_page(struct app *app, const char *next)
{
	GString *page = g_string_new(
		"<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"
		"<link rel=\"stylesheet\" href=\"/static/style.css\"><title>Sign in</title></head>\n<body><main><h1>Sign in</h1>\n<ul>\n");
	for (const struct auth_provider *const *at = auth_providers; *at; at++) {
		if ((*at)->available && !(*at)->available(app))
			continue;
		g_autofree char *path = path_with_next(*at, next);
		g_autofree char *escaped = g_markup_escape_text(path, -1);
		g_string_append_printf(page, "<li><a href=\"%s\">%s</a></li>\n", escaped,
				       (*at)->label);
	}
	g_string_append(page, "</ul></main></body>\n</html>\n");
	return http_text(200, "text/html; charset=utf-8", g_string_free(page, FALSE));
}

static struct http_response *get_login(struct http_request *request)
{
	struct app *app = app_of(request);
	const char *next = http_request_text(request, "next");
	const struct auth_provider *only = only_provider(app);
	if (!only)
		return choice_page(app, next);
	g_autofree char *path = path_with_next(only, next);
	return http_redirect(302, path);
}

static const struct http_field login_fields[] = {
	{"next", HTTP_IN_QUERY, HTTP_STRING, .initial = "\"\""}, {0}};
static const struct http_answer redirected[] = {
	{302, "To the one way to sign in"}, {200, "The ways to sign in"}, {0}};

const struct http_route login_routes[] = {
	{HTTP_GET, "/login", ACCESS_ANYBODY, .fields = login_fields, .tag = "pages",
	 .answers = redirected, .summary = "The ways to sign in", .handle = get_login},
	{0},
};
