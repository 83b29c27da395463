/* HTML of the password provider. */
#include "app/auth/password_pages.h"

#define PAGE_START                                                                       \
	"<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">"            \
	"<meta name=\"viewport\" content=\"width=device-width\">"                        \
	"<link rel=\"stylesheet\" href=\"/static/style.css\"><title>%s</title></head>\n" \
	"<body><main><h1>%s</h1>\n"
#define PAGE_END "</main></body>\n</html>\n"

static char *escaped(const char *text)
{
	return g_markup_escape_text(text ? text : "", -1);
}

static struct http_response *finish(GString *page)
{
	g_string_append(page, PAGE_END);
	struct http_response *response = http_text(200, "text/html; charset=utf-8",
						   g_string_free(page, FALSE));
	/* A page with a token in it must not stay in a cache. */
	http_response_header(response, "Cache-Control", "no-store");
	return response;
}

static GString *begin(const char *title)
{
	GString *page = g_string_new(NULL);
	g_string_append_printf(page, PAGE_START, title, title);
	return page;
}

static void add_problem(GString *page, const char *problem)
{
	g_autofree char *text = escaped(problem);
	if (problem)
		g_string_append_printf(page, "<p role=\"alert\">%s</p>\n", text);
}

struct http_response *password_form_page(const struct password_form *form)
{
	g_autofree char *email = escaped(form->email), *token = escaped(form->token);
	GString *page = begin(form->title);
	add_problem(page, form->problem);
	g_string_append_printf(page,
			       "<form method=\"post\" action=\"%s\">\n"
			       "<input type=\"hidden\" name=\"email\" value=\"%s\">\n"
			       "<input type=\"hidden\" name=\"token\" value=\"%s\">\n",
			       form->action, email, token);
	if (form->with_name)
		g_string_append(page, "<p><label>Your name <input name=\"name\" value=\"\" "
				      "autocomplete=\"name\"></label></p>\n");
	g_string_append(page,
			"<p><label>New password <input type=\"password\" name=\"password\" "
			"minlength=\"8\" required autocomplete=\"new-password\"></label></p>\n"
			"<p><label>Once more <input type=\"password\" name=\"confirm_password\" "
			"minlength=\"8\" required autocomplete=\"new-password\"></label></p>\n"
			"<p><button>Set the password</button></p>\n</form>\n");
	return finish(page);
}

struct http_response *password_message_page(const char *title, const char *text)
{
	g_autofree char *paragraph = escaped(text);
	GString *page = begin(title);
	g_string_append_printf(page, "<p>%s</p>\n<p><a href=\"/login\">Sign in</a></p>\n",
			       paragraph);
	return finish(page);
}

struct http_response *password_login_page(const char *next, const char *problem)
{
	g_autofree char *target = escaped(next);
	GString *page = begin("Sign in");
	add_problem(page, problem);
	g_string_append_printf(
		page,
		"<form method=\"post\" action=\"/auth/password/login/web\">\n"
		"<input type=\"hidden\" name=\"next\" value=\"%s\">\n"
		"<p><label>E-mail <input type=\"email\" name=\"email\" required "
		"autocomplete=\"username\"></label></p>\n"
		"<p><label>Password <input type=\"password\" name=\"password\" "
		"autocomplete=\"current-password\"></label></p>\n"
		"<p><button>Sign in</button></p>\n</form>\n"
		"<form method=\"post\" action=\"/auth/password/reset\">\n"
		"<p><label>Forgotten? Your e-mail <input type=\"email\" name=\"email\" required>"
		"</label> <button>Send a link</button></p>\n</form>\n",
		target);
	return finish(page);
}
