/*
 * Tokens whose signature was found right, so that they need not be verified again. Bounded; any
 * thread. Whether the claims still hold (times, user, revocation) is for the caller to check at
 * every use.
 */
#pragma once

#include "app/auth/jwt.h"
#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>

struct token_cache;

/* Verified claims, shared: given back by token_claims_free(). */
struct token_claims {
	struct jwt_claims jwt;
	char *token;
	char *hash; /* its SHA-256, in hex */
	gatomicrefcount references;
};
void token_claims_free(struct token_claims *claims);
DEFINE_AUTOPTR(token_claims)

struct token_cache *token_cache_new(const char *secret);
void token_cache_free(struct token_cache *cache);

/* The claims of a token of ours that has not expired, or NULL. */
struct token_claims *token_cache_verify(struct token_cache *cache, const char *token);
