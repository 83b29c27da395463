/* Secrets of this instance, and comparing and hashing them. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A secret of the instance: the environment variable, else the file in `<data_dir>/state`, else a
 * new one of 64 hex digits, which is written there with mode 0600. Two processes that start
 * together get the same.
 */
char *secret_load(const char *data_dir, const char *variable, const char *file, GError **error);

/* Random text in hex, or in base64url without padding. */
char *secret_random_hex(size_t bytes);
char *secret_random_text(size_t bytes);

/* Whether somebody gave the secret, in a time that tells nothing about where they differ. */
bool secret_equal(const char *secret, const char *given);

/* SHA-256 of a text, in lower-case hex. */
char *secret_hash(const char *text);
