/* What a token says of itself, for the person who holds it: nothing here is verified. */
#pragma once

#include "base/json.h"

#include <glib.h>

/* The claims of a JSON Web Token. INVALID: it is none; the message holds nothing of it. */
json_t *jwt_claims(const char *token, GError **error);
