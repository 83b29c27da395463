/* Tokens of whatever shape: a verdict, never a crash; and what is accepted bears our signature. */
#include "app/auth/jwt.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "a secret for the fuzzer, long enough for HS256";
#define NOW INT64_C(1800000000)

/* Half of the inputs are claims that get a true signature, so that the checks behind it are
 * reached. */
static char *token_from(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	if (size == 0 || data[0] % 2)
		return g_steal_pointer(&text);
	guint8 digest[32];
	gsize length = sizeof digest;
	g_autofree char *head = g_base64_encode((const guchar *)"{\"alg\":\"HS256\"}", 15);
	g_autofree char *body = g_base64_encode(data + 1, size - 1);
	head[strcspn(head, "=")] = '\0';
	body[strcspn(body, "=")] = '\0';
	g_strdelimit(g_strdelimit(body, "+", '-'), "/", '_');
	g_autofree char *start = g_strconcat(head, ".", body, NULL);
	g_autoptr(GHmac)
		hmac = g_hmac_new(G_CHECKSUM_SHA256, (const guchar *)secret, strlen(secret));
	g_hmac_update(hmac, (const guchar *)start, (gssize)strlen(start));
	g_hmac_get_digest(hmac, digest, &length);
	g_autofree char *tail = g_base64_encode(digest, length);
	tail[strcspn(tail, "=")] = '\0';
	g_strdelimit(g_strdelimit(tail, "+", '-'), "/", '_');
	return g_strconcat(start, ".", tail, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_auto(jwt_claims) claims = {0};
	g_auto(jwt_claims) others = {0};
	g_autofree char *token = token_from(data, size);
	if (!jwt_verify(secret, token, NOW, &claims))
		return 0;
	g_assert_nonnull(claims.subject);
	g_assert_true(!claims.expires || claims.expires > NOW);
	g_assert_false(jwt_verify("another secret, long enough as well", token, NOW, &others));
	return 0;
}
