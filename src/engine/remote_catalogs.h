/*
 * The remote databases that extracts ask for, as far as the policy lets them, each with the token
 * that it needs: for a child that attaches them.
 */
#pragma once

#include "engine/edition.h"

#include <jansson.h>

/*
 * [{"alias", "extension", "folder", "url", "token"}, …], each alias once; the folder is where this
 * user's DuckDB installs extensions, the token may be empty. What is left out, the log tells. It
 * holds secrets: not for any log or message.
 */
json_t *remote_catalogs(const struct edition *edition);
