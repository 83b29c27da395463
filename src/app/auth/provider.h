/*
 * A way to sign in. Each is one struct and one table of routes; the login page shows those that are
 * available. What a provider finds out (an e-mail that is proven) becomes a session by
 * sign_in_session().
 */
#pragma once

#include "app/app.h"

#include <stdbool.h>

struct auth_provider {
	const char *name;		    /* in URLs: /auth/<name>/… */
	const char *label;		    /* on the login page */
	const char *path;		    /* where its button leads */
	bool (*available)(struct app *app); /* NULL: always */
};

/* Every provider, ends with NULL, in the order of the login page. */
extern const struct auth_provider *const auth_providers[];

extern const struct auth_provider password_provider;
