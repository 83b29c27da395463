/* A hash table of verified tokens that is emptied when it is full: filling it again is cheap. */
#include "app/auth/token_cache.h"

#include "app/auth/secret.h"

#include <string.h>

enum { MOST_TOKENS = 20 * 1000 };

struct token_cache {
	char *secret;
	GMutex lock;
	GHashTable *tokens; /* token → struct token_claims */
};

void token_claims_free(struct token_claims *claims)
{
	if (!claims || !g_atomic_ref_count_dec(&claims->references))
		return;
	jwt_claims_clear(&claims->jwt);
	g_free(claims->token);
	g_free(claims->hash);
	g_free(claims);
}

/* What is behind the last dot, and as good as random. */
static const char *signature_of(const char *token)
{
	const char *dot = strrchr(token, '.');
	return dot ? dot : token;
}

static guint token_hash(gconstpointer token)
{
	return g_str_hash(signature_of(token));
}

/*
 * The table compares a token with a known one only if their 32-bit hashes are equal: so much of a
 * signature of 256 bits the time may tell, but nothing else. The claims before it are no secret.
 */
static gboolean same_token(gconstpointer known, gconstpointer given)
{
	return secret_equal(signature_of(known), signature_of(given)) && strcmp(known, given) == 0;
}

struct token_cache *token_cache_new(const char *secret)
{
	struct token_cache *cache = g_new0(struct token_cache, 1);
	g_mutex_init(&cache->lock);
	cache->secret = g_strdup(secret);
	cache->tokens = g_hash_table_new_full(token_hash, same_token, NULL,
					      (GDestroyNotify)token_claims_free);
	return cache;
}

void token_cache_free(struct token_cache *cache)
{
	if (!cache)
		return;
	g_hash_table_unref(cache->tokens);
	g_mutex_clear(&cache->lock);
	g_free(cache->secret);
	g_free(cache);
}

static struct token_claims *look_up(struct token_cache *cache, const char *token)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&cache->lock);
	struct token_claims *claims = g_hash_table_lookup(cache->tokens, token);
	if (claims)
		g_atomic_ref_count_inc(&claims->references);
	return claims;
}

static void remember(struct token_cache *cache, struct token_claims *claims)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&cache->lock);
	if (g_hash_table_size(cache->tokens) >= MOST_TOKENS)
		g_hash_table_remove_all(cache->tokens);
	g_atomic_ref_count_inc(&claims->references);
	g_hash_table_replace(cache->tokens, claims->token, claims);
}

static struct token_claims *verify(struct token_cache *cache, const char *token, int64_t now)
{
	struct jwt_claims jwt;
	if (!jwt_verify(cache->secret, token, now, &jwt))
		return NULL;
	struct token_claims *claims = g_new0(struct token_claims, 1);
	g_atomic_ref_count_init(&claims->references);
	claims->jwt = jwt;
	claims->token = g_strdup(token);
	claims->hash = secret_hash(token);
	return claims;
}

struct token_claims *token_cache_verify(struct token_cache *cache, const char *token)
{
	int64_t now = g_get_real_time() / G_USEC_PER_SEC;
	if (strlen(token) > JWT_LONGEST)
		return NULL;
	g_autoptr(token_claims) claims = look_up(cache, token);
	if (!claims) {
		claims = verify(cache, token, now);
		if (!claims)
			return NULL;
		remember(cache, claims);
	}
	if (claims->jwt.expires && claims->jwt.expires <= now)
		return NULL;
	return g_steal_pointer(&claims);
}
