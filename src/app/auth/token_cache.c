/* A hash table of verified tokens that is emptied when it is full: filling it again is cheap. */
#include "app/auth/token_cache.h"

#include "app/auth/secret.h"

#include <string.h>

enum { MOST_TOKENS = 20 * 1000 };

struct token_cache {
	char *secret;
	GMutex lock;
	GHashTable *tokens; /* hash → struct token_claims */
};

void token_claims_free(struct token_claims *claims)
{
	if (!claims || !g_atomic_ref_count_dec(&claims->references))
		return;
	jwt_claims_clear(&claims->jwt);
	g_free(claims->hash);
	g_free(claims);
}

struct token_cache *token_cache_new(const char *secret)
{
	struct token_cache *cache = g_new0(struct token_cache, 1);
	g_mutex_init(&cache->lock);
	cache->secret = g_strdup(secret);
	cache->tokens = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
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

static struct token_claims *look_up(struct token_cache *cache, const char *hash)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&cache->lock);
	struct token_claims *claims = g_hash_table_lookup(cache->tokens, hash);
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
	g_hash_table_replace(cache->tokens, claims->hash, claims);
}

static struct token_claims *verify(struct token_cache *cache, const char *token, int64_t now)
{
	struct jwt_claims jwt;
	if (!jwt_verify(cache->secret, token, now, &jwt))
		return NULL;
	struct token_claims *claims = g_new0(struct token_claims, 1);
	g_atomic_ref_count_init(&claims->references);
	claims->jwt = jwt;
	return claims;
}

struct token_claims *token_cache_verify(struct token_cache *cache, const char *token)
{
	int64_t now = g_get_real_time() / G_USEC_PER_SEC;
	if (strlen(token) > JWT_LONGEST)
		return NULL;
	g_autofree char *hash = secret_hash(token);
	g_autoptr(token_claims) claims = look_up(cache, hash);
	if (!claims) {
		claims = verify(cache, token, now);
		if (!claims)
			return NULL;
		claims->hash = g_steal_pointer(&hash);
		remember(cache, claims);
	}
	if (claims->jwt.expires && claims->jwt.expires <= now)
		return NULL;
	return g_steal_pointer(&claims);
}
