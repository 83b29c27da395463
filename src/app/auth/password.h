/*
 * Passwords by Argon2id. One computation takes 64 MiB and four lanes, so that only a few run at a
 * time; the rest wait a little, then are told to come back.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Characters that a password must have, and that are looked at: longer ones are refused. */
enum { PASSWORD_SHORTEST = 8, PASSWORD_LONGEST = 1024 };

/* As $argon2id$v=19$m=65536,t=3,p=4$… BUSY: too many computations are under way. */
char *password_hash(const char *password, GError **error);

/*
 * Whether the password belongs to the stored hash, of whatever Argon2 variant and cost. CORRUPT:
 * the stored text is no such hash. BUSY as above.
 */
bool password_verify(const char *stored, const char *password, bool *matches, GError **error);

/* As much work as a verification, for accounts that do not exist. BUSY as above. */
bool password_verify_nothing(const char *password, GError **error);

/* Whether it is long enough, in characters. */
bool password_long_enough(const char *password);
