/*
 * The program's own tokens: JWTs signed with HS256. Verification is strict; why a token was refused
 * is not told, because only an attacker could use the difference.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A token longer than this is not looked at. */
enum { JWT_LONGEST = 4096 };

struct jwt_claims {
	char *subject; /* "sub": the user's id */
	char *email;
	char *type;	 /* "typ": "session" or "pat" */
	char *id;	 /* "jti" */
	int64_t issued;	 /* microseconds since 1970 */
	int64_t expires; /* seconds since 1970; 0: never */
};
void jwt_claims_clear(struct jwt_claims *claims);
DEFINE_AUTO(jwt_claims)

/* The key is the secret's bytes as they are. NULL: the claims cannot be signed (not UTF-8). */
char *jwt_sign(const char *secret, const struct jwt_claims *claims);

/*
 * Fills `claims` if the token is signed by `secret` and valid at `now` (seconds since 1970). False:
 * it is not a token of ours, or not any more.
 */
bool jwt_verify(const char *secret, const char *token, int64_t now, struct jwt_claims *claims);
