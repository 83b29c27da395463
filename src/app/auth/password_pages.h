/* The pages of the password provider: small forms that work without scripts. */
#pragma once

#include "http/response.h"

/* What a form to set a password shows; texts are escaped here, NULL ones are empty. */
struct password_form {
	const char *title;
	const char *action; /* where it is sent */
	const char *email, *token;
	bool with_name;	     /* asks for the user's name as well */
	const char *problem; /* or NULL */
};

struct http_response *password_form_page(const struct password_form *form);
/* A page with a heading and one paragraph. */
struct http_response *password_message_page(const char *title, const char *text);
/* The form to sign in; `next` is where to go afterwards. */
struct http_response *password_login_page(const char *next, const char *problem);
