/*
 * The personal access tokens. Only a hash of each is stored; rows are never deleted, they are
 * revoked. What makes a token valid (its hash, its times, its user) is judged by who asks.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct token {
	const char *id, *user_id, *name, *token_hash, *prefix, *scopes;
	int64_t created_at, expires_at, last_used_at;
	const char *last_used_ip;
	int64_t revoked_at;
	const char *user_email; /* NULL when the user is gone */
};
DEFINE_RECORD(token)
extern const struct record_type token_type;

/* NOT_FOUND when there is no such token. */
struct token *tokens_find(struct state *state, const char *id, GError **error);

/* Newest first; of one user unless `user_id` is NULL. */
GPtrArray *tokens_list(struct state *state, const char *user_id, bool with_revoked, GError **error);

/* Stores a token; an id is made unless one is given, the time of creation is set here. */
struct token *tokens_create(struct state *state, const struct token *values, GError **error);

/* Sets the time of revocation, also of a token that is revoked already. */
bool tokens_revoke(struct state *state, const char *id, GError **error);

/* Remembers the present use; `ip` may be NULL. */
bool tokens_mark_used(struct state *state, const char *id, const char *ip, GError **error);
