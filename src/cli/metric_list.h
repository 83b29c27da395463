/* The list of metrics, which older servers do not wrap in an object. */
#pragma once

#include "cli/api.h"
#include "cli/json_text.h"

/* GET /api/metrics; `category` may be NULL. As api_ask(). */
int metric_list_ask(struct invocation *invocation, const char *category, struct api_reply **reply);

/* The array in either form, borrowed from the reply; *text, unless NULL, is its text. */
const json_t *metric_list_of(const struct api_reply *reply, struct json_slice *text);
