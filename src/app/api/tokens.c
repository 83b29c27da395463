/* /auth/tokens: personal access tokens, for their owners and for administrators. */
#include "state/tokens.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/auth/secret.h"
#include "app/auth/sign_in.h"
#include "app/routes.h"
#include "app/wire.h"
#include "base/error.h"

#include <string.h>

enum {
	MOST_DAYS = 3650,
	PREFIX_DIGITS = 8,
	NAME_LONGEST = 200, /* characters */
	MOST_LIVE = 1000,   /* tokens of one user that can be used */
};

/* --- creating --- */

/* When a token of so many days ends, in seconds since 1970; 0: never. NULL if the wish is fine. */
static struct http_response *choose_expiry(const struct http_request *request, int64_t *expires)
{
	const json_t *days = http_request_value(request, "expires_in_days");
	*expires = 0;
	if (json_is_null(days))
		return NULL;
	int64_t wanted = json_integer_value(days);
	if (wanted <= 0)
		return http_refuse(400, "expires_in_days must be a positive integer");
	if (wanted > MOST_DAYS)
		return http_refuse(400, "expires_in_days must not exceed 3650 (10 years)");
	*expires = g_get_real_time() / G_USEC_PER_SEC + wanted * 24 * 3600;
	return NULL;
}

/* How many live tokens the directory knows of this user. */
static int count_live(const struct directory *directory, const char *user_id)
{
	int count = 0;
	int64_t now = g_get_real_time();
	struct pmap_iter iter;
	pmap_iter_init(&iter, directory->tokens);
	for (gpointer entry; (entry = pmap_iter_next(&iter));) {
		const struct token *token = directory_token_of(entry);
		bool live = token->revoked_at == DUCK_NO_TIME &&
			    (token->expires_at == DUCK_NO_TIME || token->expires_at >= now);
		if (live && strcmp(token->user_id, user_id) == 0)
			count++;
	}
	return count;
}

static struct http_response *store_token(struct http_request *request, const char *name,
					 int64_t expires)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const struct user *user = caller_of(request)->user->row;
	g_autofree char *id = g_uuid_string_random();
	g_autofree char *text = sign_in_access_token(app, user, id, expires);
	if (!text)
		return http_refuse(500, "Internal server error");
	g_autofree char *hash = secret_hash(text);
	/* The first digits of the id, which hold no dash yet. */
	g_autofree char *prefix = g_strndup(id, PREFIX_DIGITS);
	struct token values;
	record_init(&token_type, &values);
	values.id = id;
	values.user_id = user->id;
	values.name = name;
	values.token_hash = hash;
	values.prefix = prefix;
	values.expires_at = expires ? expires * G_USEC_PER_SEC : DUCK_NO_TIME;
	g_autoptr(token_record) made = tokens_create(app->state, &values, &error);
	if (!made || !directory_reload_token(app->directory, id, &error))
		return http_refuse_error(request, error);
	audit_caller(request, "token.create", "token", id,
		     json_pack("{ss}", "name", http_request_text(request, "name")));
	json_t *since = wire_time_spaced(made->created_at);
	json_t *answer = json_pack("{ss ss ss ss so so}", "id", id, "name", name, "prefix", prefix,
				   "token", text, "expires_at", wire_time_spaced(made->expires_at),
				   "created_at",
				   json_sprintf("%s+00:00", json_string_value(since)));
	json_decref(since);
	if (expires)
		json_object_set_new(answer, "expires_at",
				    json_sprintf("%s+00:00", json_string_value(json_object_get(
								     answer, "expires_at"))));
	return http_json(201, answer);
}

static struct http_response *create_token(struct http_request *request)
{
	int64_t expires;
	const struct caller *caller = caller_of(request);
	g_autofree char *name = g_strstrip(g_strdup(http_request_text(request, "name")));
	if (!*name)
		return http_refuse(400, "name is required");
	if (g_utf8_strlen(name, -1) > NAME_LONGEST)
		return http_refuse(400, "name must not be longer than %d characters", NAME_LONGEST);
	struct http_response *refusal = choose_expiry(request, &expires);
	if (refusal)
		return refusal;
	if (count_live(caller->directory, caller->user->row->id) >= MOST_LIVE)
		return http_refuse(409, "You have %d tokens; revoke some of them first", MOST_LIVE);
	return store_token(request, name, expires);
}

/* --- reading --- */

static json_t *describe(const struct token *row)
{
	return json_pack("{ss ss ss so so so so}", "id", row->id, "name", row->name, "prefix",
			 row->prefix, "created_at", wire_time_spaced(row->created_at), "expires_at",
			 wire_time_spaced(row->expires_at), "last_used_at",
			 wire_time_spaced(row->last_used_at), "revoked_at",
			 wire_time_spaced(row->revoked_at));
}

static json_t *describe_for_admin(const struct token *row)
{
	json_t *item = describe(row);
	json_object_set_new(item, "user_id", json_string(row->user_id));
	json_object_set_new(item, "user_email", wire_text(row->user_email));
	json_object_set_new(item, "last_used_ip", wire_text(row->last_used_ip));
	return item;
}

static struct http_response *answer_list(struct http_request *request, const char *user_id,
					 json_t *(*describe_one)(const struct token *row))
{
	GError *error = NULL;
	g_autoptr(GPtrArray) tokens = tokens_list(app_of(request)->state, user_id, true, &error);
	if (!tokens)
		return http_refuse_error(request, error);
	json_t *list = json_array();
	for (guint i = 0; i < tokens->len; i++)
		json_array_append_new(list, describe_one(tokens->pdata[i]));
	return http_json(200, list);
}

static struct http_response *list_tokens(struct http_request *request)
{
	return answer_list(request, caller_of(request)->user->row->id, describe);
}

static struct http_response *list_all_tokens(struct http_request *request)
{
	return answer_list(request, NULL, describe_for_admin);
}

/* The token of the path; only the caller's own unless `any`. NULL with the refusal set. */
static struct token *find_token(struct http_request *request, bool any,
				struct http_response **refusal)
{
	GError *error = NULL;
	g_autoptr(token_record) token = tokens_find(app_of(request)->state,
						    http_request_text(request, "token_id"), &error);
	bool own = token && strcmp(token->user_id, caller_of(request)->user->row->id) == 0;
	if (token && (any || own))
		return g_steal_pointer(&token);
	bool absent = token || g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND);
	*refusal = absent ? http_refuse(404, "Token not found") : NULL;
	if (!absent)
		*refusal = http_refuse_error(request, g_steal_pointer(&error));
	g_clear_error(&error);
	return NULL;
}

static struct http_response *get_token(struct http_request *request)
{
	struct http_response *refusal;
	g_autoptr(token_record) token = find_token(request, false, &refusal);
	return token ? http_json(200, describe(token)) : refusal;
}

/* --- revoking --- */

static struct http_response *revoke_found(struct http_request *request, const struct token *token,
					  const char *action, json_t *params)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	if (!tokens_revoke(app->state, token->id, &error) ||
	    !directory_reload_token(app->directory, token->id, &error)) {
		json_decref(params);
		return http_refuse_error(request, error);
	}
	audit_caller(request, action, "token", token->id, params);
	return http_empty(204);
}

static struct http_response *revoke_token(struct http_request *request)
{
	struct http_response *refusal;
	g_autoptr(token_record) token = find_token(request, false, &refusal);
	return token ? revoke_found(request, token, "token.revoke", NULL) : refusal;
}

static struct http_response *revoke_any_token(struct http_request *request)
{
	struct http_response *refusal;
	g_autoptr(token_record) token = find_token(request, true, &refusal);
	if (!token)
		return refusal;
	return revoke_found(request, token, "token.admin_revoke",
			    json_pack("{ss}", "owner_id", token->user_id));
}

static const struct http_field id_fields[] = {
	{"token_id", HTTP_IN_PATH, HTTP_STRING, .required = true}, {0}};
static const struct http_field create_fields[] = {
	{"name", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"expires_in_days", HTTP_IN_BODY, HTTP_INTEGER, .nullable = true, .initial = "90",
	 .meaning = "null: never"},
	{0},
};
static const struct http_answer created[] = {{201, "The new token; its text is shown only here"},
					     {400, "No name, or a wrong time"},
					     {0}};
static const struct http_answer found[] = {{404, "No such token of the caller"}, {0}};
static const struct http_answer revoked[] = {{204, "Done"}, {404, "No such token"}, {0}};

const struct http_route token_routes[] = {
	{HTTP_POST, "/auth/tokens", ACCESS_SESSION, HTTP_BLOCKING, HTTP_JSON,
	 .body_limit = SIGN_IN_BODY_LIMIT, .fields = create_fields, .tag = "tokens",
	 .answers = created, .summary = "Make a personal access token", .handle = create_token},
	{HTTP_GET, "/auth/tokens", ACCESS_USER, HTTP_BLOCKING, .tag = "tokens",
	 .summary = "The caller's tokens", .handle = list_tokens},
	{HTTP_GET, "/auth/tokens/{token_id}", ACCESS_USER, HTTP_BLOCKING, .fields = id_fields,
	 .tag = "tokens", .answers = found, .summary = "One token", .handle = get_token},
	{HTTP_DELETE, "/auth/tokens/{token_id}", ACCESS_USER, HTTP_BLOCKING, .fields = id_fields,
	 .tag = "tokens", .answers = revoked, .summary = "Revoke a token", .handle = revoke_token},
	{HTTP_GET, "/auth/admin/tokens", ACCESS_ADMIN, HTTP_BLOCKING, .tag = "tokens",
	 .summary = "Everybody's tokens", .handle = list_all_tokens},
	{HTTP_DELETE, "/auth/admin/tokens/{token_id}", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = id_fields, .tag = "tokens", .answers = revoked,
	 .summary = "Revoke anybody's token", .handle = revoke_any_token},
	{0},
};
