/* From what a file, the environment or a default says to a value of a key's type. */
#pragma once

#include "base/json.h"
#include "config/keys.h"

/*
 * A new reference: a string (text, choice), an integer (int, size), a real (number), a boolean, an
 * array of strings or an object. NULL without *problem if nothing is said (null, or empty text
 * where the type is not text); NULL with *problem if it does not fit; a value with *problem if it
 * fits but is worth a warning. The problem is a phrase that follows the key's name and never holds
 * the value.
 */
json_t *config_value_convert(const struct config_key *key, const json_t *given, char **problem);

/* The key's default, never NULL. */
json_t *config_value_default(const struct config_key *key);

/* As in a file or a variable: for people to read. */
char *config_value_to_text(const struct config_key *key, const json_t *value);
