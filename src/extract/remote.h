/*
 * Which remote databases an extract may have attached: an extract is foreign input, and attaching
 * what it names means loading code and handing out a token.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"
#include "extract/publication.h"

#include <glib.h>
#include <stdbool.h>

struct remote_policy {
	char **extensions;
	char **token_envs;
};

/*
 * The allow-lists: comma-separated names, each of which replaces the built-in list unless it is
 * NULL or holds no name ($AGNES_REMOTE_ATTACH_EXTENSIONS, $AGNES_REMOTE_ATTACH_TOKEN_ENVS).
 */
void remote_policy_init(struct remote_policy *policy, const char *extensions,
			const char *token_envs);
void remote_policy_clear(struct remote_policy *policy);
DEFINE_AUTO(remote_policy)

/* Whether a setting may name that variable to take a token from. */
bool remote_policy_allows_token(const struct remote_policy *policy, const char *name);

/* INVALID: not a name. DENIED: not on the list; the message says which setting allows it. */
bool remote_policy_check(const struct remote_policy *policy, const struct published_attach *attach,
			 GError **error);

/*
 * Loads an extension that is installed in the folder; DuckDB itself looks in the home folder, which
 * a process without an environment does not know. NULL: there.
 */
bool remote_load_extension(struct duck_connection *connection, const char *folder,
			   const char *extension, GError **error);

/* The statement that attaches it, read-only. `token` may be NULL. */
char *remote_attach_sql(const struct published_attach *attach, const char *token);
