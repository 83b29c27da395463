/* The table `personal_access_tokens`. */
#include "state/tokens.h"

#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct token, id, RECORD_KEY),
	RECORD_FIELD(struct token, user_id, RECORD_PLAIN),
	RECORD_FIELD(struct token, name, RECORD_PLAIN),
	RECORD_FIELD(struct token, token_hash, RECORD_PLAIN),
	RECORD_FIELD(struct token, prefix, RECORD_PLAIN),
	RECORD_FIELD(struct token, scopes, RECORD_PLAIN),
	RECORD_TIME(struct token, created_at, RECORD_PLAIN),
	RECORD_TIME(struct token, expires_at, RECORD_PLAIN),
	RECORD_TIME(struct token, last_used_at, RECORD_EDITABLE),
	RECORD_FIELD(struct token, last_used_ip, RECORD_EDITABLE),
	RECORD_TIME(struct token, revoked_at, RECORD_EDITABLE),
	RECORD_FIELD(struct token, user_email, RECORD_PLAIN), /* joined: last, see row_type */
};
const struct record_type token_type = RECORD_TYPE(
	"token",
	"(SELECT t.*, t.rowid AS row, u.email AS user_email "
	"FROM personal_access_tokens t LEFT JOIN users u ON u.id = t.user_id)",
	struct token, fields);

static const struct record_type row_type = RECORD_TYPE_WITHOUT_LAST(
	"token", "personal_access_tokens", struct token, fields);

struct token *tokens_find(struct state *state, const char *id, GError **error)
{
	return store_find(state, error, &token_type, "WHERE id = ?", "s", id);
}

GPtrArray *tokens_list(struct state *state, const char *user_id, bool with_revoked, GError **error)
{
	return store_query(state, error, &token_type,
			   "WHERE user_id = coalesce(?, user_id) AND (? OR revoked_at IS NULL) "
			   "ORDER BY created_at DESC, row DESC",
			   "sb", user_id, with_revoked);
}

struct token *tokens_create(struct state *state, const struct token *values, GError **error)
{
	g_autofree char *id = g_uuid_string_random();
	struct token token = *values;
	if (!token.id)
		token.id = id;
	token.created_at = g_get_real_time();
	return store_insert(state, &row_type, &token, error) ? tokens_find(state, token.id, error)
							     : NULL;
}

bool tokens_revoke(struct state *state, const char *id, GError **error)
{
	struct token token = {.id = id, .revoked_at = g_get_real_time()};
	return store_update(state, &row_type, &token, (const char *[]){"revoked_at", NULL}, error);
}

bool tokens_mark_used(struct state *state, const char *id, const char *ip, GError **error)
{
	struct token token = {.id = id, .last_used_at = g_get_real_time(), .last_used_ip = ip};
	return store_update(state, &row_type, &token,
			    (const char *[]){"last_used_at", "last_used_ip", NULL}, error);
}
