/* From a token to a caller. */
#include "app/auth/sign_in.h"

#include "app/auditor.h"
#include "app/auth/jwt.h"
#include "app/auth/limiter.h"
#include "app/auth/secret.h"
#include "app/auth/token_cache.h"
#include "app/auth/token_uses.h"
#include "app/development.h"
#include "state/id.h"

#include <string.h>

enum {
	ADDRESS_BURST = 30, /* tries to sign in from one address, then one in some seconds */
	ACCOUNT_BURST = 10,
};
#define ADDRESS_SECONDS 2.0
#define ACCOUNT_SECONDS 15.0

struct sign_in {
	char *secret;		/* signs our tokens */
	char *scheduler_secret; /* or NULL */
	char *developer;	/* e-mail of whom everybody is in development mode, or NULL */
	struct token_cache *cache;
	struct token_uses *uses;
	struct limiter *by_address, *by_account;
};

char *sign_in_scheduler_secret(void)
{
	const char *given = g_getenv("SCHEDULER_API_TOKEN");
	g_autofree char *secret = g_strstrip(g_strdup(given ? given : ""));
	return strlen(secret) >= SCHEDULER_SECRET_SHORTEST ? g_steal_pointer(&secret) : NULL;
}

static void warn_of_short_secret(void)
{
	const char *given = g_getenv("SCHEDULER_API_TOKEN");
	g_autofree char *used = sign_in_scheduler_secret();
	if (given && *given && !used)
		g_warning("SCHEDULER_API_TOKEN is shorter than %d characters and is not used",
			  SCHEDULER_SECRET_SHORTEST);
}

struct sign_in *sign_in_new(struct app *app, GError **error)
{
	g_autoptr(sign_in) sign_in = g_new0(struct sign_in, 1);
	sign_in->secret = secret_load(app->data_dir, "JWT_SECRET_KEY", ".jwt_secret", error);
	if (!sign_in->secret)
		return NULL;
	sign_in->scheduler_secret = sign_in_scheduler_secret();
	warn_of_short_secret();
	sign_in->developer = g_strdup(development_user());
	sign_in->cache = token_cache_new(sign_in->secret);
	sign_in->uses = token_uses_new(app->state, app->auditor);
	sign_in->by_address = limiter_new(ADDRESS_BURST, ADDRESS_SECONDS);
	sign_in->by_account = limiter_new(ACCOUNT_BURST, ACCOUNT_SECONDS);
	return g_steal_pointer(&sign_in);
}

void sign_in_free(struct sign_in *sign_in)
{
	if (!sign_in)
		return;
	token_uses_free(sign_in->uses);
	token_cache_free(sign_in->cache);
	limiter_free(sign_in->by_address);
	limiter_free(sign_in->by_account);
	g_free(sign_in->secret);
	g_free(sign_in->scheduler_secret);
	g_free(sign_in->developer);
	g_free(sign_in);
}

/* --- who calls --- */

/* A caller under way: what is known so far, or why not. */
struct resolution {
	struct http_request *request;
	struct sign_in *sign_in;
	struct caller *caller;
	const char *refusal; /* the words of the 401 */
};

static void caller_free(gpointer data)
{
	struct caller *caller = data;
	directory_free(caller->directory);
	g_free(caller->token_id);
	g_free(caller);
}

/* The header wins over the cookie, also when its token turns out to be wrong. */
static char *presented_token(const struct http_request *request)
{
	const char *header = http_request_header(request, "Authorization");
	if (header && g_str_has_prefix(header, "Bearer ") && header[strlen("Bearer ")])
		return g_strdup(header + strlen("Bearer "));
	return http_request_cookie(request, "access_token");
}

static bool accept_user(struct resolution *resolution, const struct directory_user *user)
{
	if (!user)
		resolution->refusal = "User not found";
	else if (user->row->active != RECORD_TRUE)
		resolution->refusal = "Account deactivated";
	else
		resolution->caller->user = user;
	return resolution->caller->user != NULL;
}

/* Whether the session was issued before the user's sessions were ended. */
static bool ended(const struct directory_user *user, const struct token_claims *claims)
{
	return claims->jwt.issued < user->sessions_from;
}

static bool accept_access_token(struct resolution *resolution, const struct token_claims *claims)
{
	struct caller *caller = resolution->caller;
	const char *id = claims->jwt.id;
	const struct token *row = id ? directory_token(caller->directory, id) : NULL;
	if (!row || g_strcmp0(row->user_id, claims->jwt.subject) != 0)
		resolution->refusal = "Token unknown";
	else if (row->revoked_at != DUCK_NO_TIME)
		resolution->refusal = "Token revoked";
	else if (row->expires_at != DUCK_NO_TIME && row->expires_at < g_get_real_time())
		resolution->refusal = "Token expired";
	else if (row->token_hash && *row->token_hash &&
		 !secret_equal(row->token_hash, claims->hash))
		resolution->refusal = "Token mismatch";
	if (resolution->refusal)
		return false;
	caller->kind = CALLER_TOKEN;
	caller->token_id = g_strdup(id);
	token_uses_note(resolution->sign_in->uses, row, resolution->request->address);
	return true;
}

static bool accept_claims(struct resolution *resolution, const struct token_claims *claims)
{
	const struct caller *caller = resolution->caller;
	if (!accept_user(resolution, directory_user(caller->directory, claims->jwt.subject)))
		return false;
	if (g_strcmp0(claims->jwt.type, "pat") == 0)
		return accept_access_token(resolution, claims);
	resolution->caller->kind = CALLER_SESSION;
	if (ended(caller->user, claims))
		resolution->refusal = "Invalid or expired token";
	return !resolution->refusal;
}

static bool is_scheduler(const struct sign_in *sign_in, const char *token)
{
	return sign_in->scheduler_secret && secret_equal(sign_in->scheduler_secret, token);
}

static bool accept_token(struct resolution *resolution, const char *token)
{
	const struct sign_in *sign_in = resolution->sign_in;
	struct caller *caller = resolution->caller;
	if (is_scheduler(sign_in, token)) {
		caller->kind = CALLER_SCHEDULER;
		return accept_user(resolution, directory_user_by_email(caller->directory,
								       USERS_SCHEDULER_EMAIL));
	}
	g_autoptr(token_claims) claims = token_cache_verify(sign_in->cache, token);
	if (claims)
		return accept_claims(resolution, claims);
	resolution->refusal = "Invalid or expired token";
	return false;
}

/* In development mode everybody is the developer, whatever they present. */
static bool accept_developer(struct resolution *resolution)
{
	const char *email = resolution->sign_in->developer;
	struct caller *caller = resolution->caller;
	caller->user = email ? directory_user_by_email(caller->directory, email) : NULL;
	caller->kind = CALLER_SESSION;
	return caller->user != NULL;
}

static bool resolve(struct resolution *resolution)
{
	if (accept_developer(resolution))
		return true;
	g_autofree char *token = presented_token(resolution->request);
	if (token && *token)
		return accept_token(resolution, token);
	resolution->refusal = "Missing or invalid Authorization header";
	return false;
}

static struct http_response *refuse_kind(const struct caller *caller)
{
	return http_refuse(403, "This endpoint requires an interactive session, not a %s",
			   caller->kind == CALLER_SCHEDULER ? "service token" : "PAT");
}

struct http_response *sign_in_admit(struct http_request *request)
{
	struct app *app = app_of(request);
	struct caller *caller = g_new0(struct caller, 1);
	caller->directory = directory_store_get(app->directory);
	request->caller = caller;
	request->caller_free = caller_free;
	enum access access = (enum access)request->route->access;
	if (access == ACCESS_ANYBODY)
		return NULL;
	struct resolution resolution = {request, app->sign_in, caller, NULL};
	if (!resolve(&resolution)) {
		caller->user = NULL;
		return access == ACCESS_VISITOR ? NULL : http_refuse(401, "%s", resolution.refusal);
	}
	if (access == ACCESS_ADMIN && !caller->user->is_admin)
		return http_refuse(403, "Admin access required");
	if (access == ACCESS_SESSION && caller->kind != CALLER_SESSION)
		return refuse_kind(caller);
	return NULL;
}

struct token_claims *sign_in_claims(const struct app *app, const char *token)
{
	return token_cache_verify(app->sign_in->cache, token);
}

/* --- making tokens --- */

static char *sign(struct app *app, const struct user *user, const char *type, const char *id,
		  int64_t expires)
{
	const struct jwt_claims claims = {.subject = (char *)user->id,
					  .email = (char *)user->email,
					  .type = (char *)type,
					  .id = (char *)id,
					  .issued = g_get_real_time(),
					  .expires = expires};
	return jwt_sign(app->sign_in->secret, &claims);
}

char *sign_in_session(struct app *app, const struct user *user)
{
	g_autofree char *id = id_hex("", ID_HEX_MAX);
	return sign(app, user, "session", id, g_get_real_time() / G_USEC_PER_SEC + SESSION_SECONDS);
}

char *sign_in_access_token(struct app *app, const struct user *user, const char *id,
			   int64_t expires)
{
	return sign(app, user, "pat", id, expires);
}

void sign_in_set_cookie(const struct http_request *request, struct http_response *response,
			const char *session)
{
	const char *domain = g_getenv("DOMAIN");
	/* Who came over TLS once shall not send the session in the clear. */
	bool secure = request->secure || (domain && *domain);
	g_autofree char *cookie = g_strdup_printf(
		"access_token=%s; HttpOnly; Max-Age=%d; Path=/; SameSite=lax%s",
		session ? session : "", session ? SESSION_SECONDS : 0, secure ? "; Secure" : "");
	http_response_header(response, "Set-Cookie", cookie);
}

/* --- how often it may be tried --- */

/* Accounts are counted by their hash: whoever tries chooses how long the text is, and it is kept.
 */

struct http_response *sign_in_limit(struct http_request *request, const char *account)
{
	const struct sign_in *sign_in = app_of(request)->sign_in;
	int wait = limiter_try(sign_in->by_address, request->address);
	if (!wait && account) {
		g_autofree char *key = secret_hash(account);
		wait = limiter_try(sign_in->by_account, key);
	}
	if (!wait)
		return NULL;
	g_autofree char *seconds = g_strdup_printf("%d", wait);
	struct http_response *response = http_refuse(
		429, "Too many attempts; try again in %d seconds", wait);
	http_response_header(response, "Retry-After", seconds);
	return response;
}

void sign_in_forgive(struct http_request *request, const char *account)
{
	g_autofree char *key = secret_hash(account);
	limiter_forget(app_of(request)->sign_in->by_account, key);
}
