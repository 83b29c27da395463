/* How the server is, which several commands ask. */
#pragma once

#include "cli/api.h"

/*
 * GET /api/health, of any status, as a JSON object. NULL: the server cannot be reached, or
 * something else answers in its place.
 */
struct api_reply *health_ask(struct invocation *invocation, GError **error);

/* GET /api/health/detailed, of any status; NULL if there is no JSON object to be had. */
struct api_reply *health_ask_detailed(struct invocation *invocation);

/* A text of an object; `fallback` if it is none. */
const char *health_text(const json_t *object, const char *key, const char *fallback);
