/*
 * Who calls: from the token of a request to a user, and the making of sessions. Tokens that were
 * verified are remembered for a while, so that a caller costs one hash and some look-ups.
 */
#pragma once

#include "app/app.h"
#include "base/cleanup.h"
#include "http/response.h"

#include <glib.h>
#include <stdbool.h>

struct sign_in;
struct token_claims;

enum {
	SESSION_SECONDS = 24 * 3600,
	SIGN_IN_BODY_LIMIT = 64 * 1024, /* for accounts and tokens, whose texts are kept */
	/* A shorter SCHEDULER_API_TOKEN is not used. */
	SCHEDULER_SECRET_SHORTEST = 32,
};

/* What the scheduler signs in with; NULL: nothing that is long enough. g_free() it. */
char *sign_in_scheduler_secret(void);

struct sign_in *sign_in_new(struct app *app, GError **error);
void sign_in_free(struct sign_in *sign_in);
DEFINE_AUTOPTR(sign_in)

/* http_application.admit: sets the caller, or says why not. */
struct http_response *sign_in_admit(struct http_request *request);

/* A new session for the user, signed. NULL: the user's e-mail is not UTF-8. */
char *sign_in_session(struct app *app, const struct user *user);

/* A personal access token with the id of its row; `expires` in seconds since 1970, 0: never. */
char *sign_in_access_token(struct app *app, const struct user *user, const char *id,
			   int64_t expires);

/* What a token of ours says, whoever presents it; NULL: it is none, or it has expired. */
struct token_claims *sign_in_claims(const struct app *app, const char *token);

/* The cookie that carries a session in browsers; a NULL session takes it away. */
void sign_in_set_cookie(const struct http_request *request, struct http_response *response,
			const char *session);

/*
 * Counts a try to sign in, by the address and by the account (NULL: only by the address). NULL: it
 * may be tried, else the answer 429.
 */
struct http_response *sign_in_limit(struct http_request *request, const char *account);
/* The right password was given: earlier tries of this account no longer count. */
void sign_in_forgive(struct http_request *request, const char *account);
