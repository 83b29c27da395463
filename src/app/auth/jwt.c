/* HS256 by rhonabwy, and the rules on claims that it leaves to us. */
#include "app/auth/jwt.h"

#include "base/json.h"

#include <rhonabwy.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(jwt_t, r_jwt_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(jwk_t, r_jwk_free)

void jwt_claims_clear(struct jwt_claims *claims)
{
	g_free(claims->subject);
	g_free(claims->email);
	g_free(claims->type);
	g_free(claims->id);
	*claims = (struct jwt_claims){0};
}

/*
 * "iat" counts seconds, but sessions that were ended and one that began in the same second must be
 * told apart: this claim of ours has the instant in microseconds. Others ignore it.
 */
#define ISSUED_EXACTLY "iat_us"

static jwk_t *key_from(const char *secret)
{
	g_autoptr(jwk_t) key = NULL;
	if (r_jwk_init(&key) != RHN_OK ||
	    r_jwk_import_from_symmetric_key(key, (const unsigned char *)secret, strlen(secret)) !=
		    RHN_OK)
		return NULL;
	return g_steal_pointer(&key);
}

char *jwt_sign(const char *secret, const struct jwt_claims *claims)
{
	g_autoptr(jwt_t) token = NULL;
	g_autoptr(jwk_t) key = key_from(secret);
	g_autoptr(json_t)
		body = json_pack("{ss ss ss sI ss}", "sub", claims->subject, "email", claims->email,
				 "typ", claims->type, "iat",
				 (json_int_t)(claims->issued / G_USEC_PER_SEC), "jti", claims->id);
	if (!body || !key || r_jwt_init(&token) != RHN_OK)
		return NULL;
	if (claims->expires)
		json_object_set_new(body, "exp", json_integer(claims->expires));
	json_object_set_new(body, ISSUED_EXACTLY, json_integer(claims->issued));
	if (r_jwt_set_sign_alg(token, R_JWA_ALG_HS256) != RHN_OK ||
	    r_jwt_set_full_claims_json_t(token, body) != RHN_OK)
		return NULL;
	char *text = r_jwt_serialize_signed(token, key, R_FLAG_IGNORE_REMOTE);
	char *copy = g_strdup(text);
	r_free(text);
	return copy;
}

/* Three parts of unpadded base64url and nothing else: what libraries tolerate beyond that differs.
 */
static bool well_formed(const char *token)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	for (int part = 0; part < 3; part++) {
		size_t length = strspn(token, alphabet);
		if (length == 0 || length % 4 == 1)
			return false;
		token += length;
		if (part < 2 && *token++ != '.')
			return false;
	}
	return *token == '\0';
}

/* Only our own algorithm, whatever the token says about itself; nothing that it calls critical. */
static bool header_fits(jwt_t *token)
{
	g_autoptr(json_t) header = r_jwt_get_full_header_json_t(token);
	const char *algorithm = json_string_value(json_object_get(header, "alg"));
	return g_strcmp0(algorithm, "HS256") == 0 && !json_object_get(header, "crit");
}

/* "exp" must be ahead, "nbf" and "iat" must not; all without leeway. Absent is fine. */
static bool times_fit(const json_t *body, int64_t now)
{
	static const char *const names[] = {"exp", "nbf", "iat"};
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const json_t *value = json_object_get(body, names[i]);
		if (!value)
			continue;
		if (!json_is_number(value))
			return false;
		double time = json_number_value(value);
		if (i == 0 ? time <= (double)now : time > (double)now)
			return false;
	}
	return true;
}

static bool has_audience(const json_t *body)
{
	const json_t *audience = json_object_get(body, "aud");
	return audience && !json_is_null(audience) &&
	       !(json_is_string(audience) && json_string_length(audience) == 0) &&
	       !(json_is_array(audience) && json_array_size(audience) == 0);
}

/* Copies a text claim; false if it is there but no text. */
static bool take_text(const json_t *body, const char *name, char **out)
{
	const json_t *value = json_object_get(body, name);
	if (value && !json_is_string(value))
		return false;
	*out = g_strdup(json_string_value(value));
	return true;
}

static int64_t issued_at(const json_t *body)
{
	int64_t seconds = (int64_t)json_number_value(json_object_get(body, "iat"));
	int64_t exactly = json_integer_value(json_object_get(body, ISSUED_EXACTLY));
	return exactly / G_USEC_PER_SEC == seconds ? exactly : seconds * G_USEC_PER_SEC;
}

static bool take_claims(const json_t *body, struct jwt_claims *claims)
{
	const json_t *expires = json_object_get(body, "exp");
	claims->issued = issued_at(body);
	claims->expires = expires ? (int64_t)json_number_value(expires) : 0;
	return take_text(body, "sub", &claims->subject) && take_text(body, "jti", &claims->id) &&
	       take_text(body, "email", &claims->email) && take_text(body, "typ", &claims->type) &&
	       claims->subject;
}

bool jwt_verify(const char *secret, const char *token, int64_t now, struct jwt_claims *claims)
{
	g_autoptr(jwt_t) parsed = NULL;
	g_autoptr(jwk_t) key = NULL;
	*claims = (struct jwt_claims){0};
	if (strlen(token) > JWT_LONGEST || !well_formed(token))
		return false;
	key = key_from(secret);
	if (!key || r_jwt_init(&parsed) != RHN_OK ||
	    r_jwt_advanced_parse(parsed, token, R_PARSE_NONE, R_FLAG_IGNORE_REMOTE) != RHN_OK ||
	    !header_fits(parsed) ||
	    r_jwt_verify_signature(parsed, key, R_FLAG_IGNORE_REMOTE) != RHN_OK)
		return false;
	g_autoptr(json_t) body = r_jwt_get_full_claims_json_t(parsed);
	if (json_is_object(body) && times_fit(body, now) && !has_audience(body) &&
	    take_claims(body, claims))
		return true;
	jwt_claims_clear(claims);
	return false;
}
