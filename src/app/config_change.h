/*
 * Changes of the configuration by administrators: saved, told of without their secrets, and in
 * force at once.
 */
#pragma once

#include "app/app.h"
#include "http/response.h"

#include <jansson.h>
#include <stdbool.h>

/* A copy in which no value under a secret name is to be seen, of whatever type. */
json_t *config_change_masked(const json_t *value);

/*
 * Saves `patch`, an object of sections, and `variables` (see config_save_variables(); NULL: none),
 * and reads everything again. *rows is what changed: a list of path, before and after.
 */
bool config_change_save(struct app *app, const json_t *patch, const json_t *variables,
			json_t **rows, GError **error);

/* Of such a failure; takes over the error. */
struct http_response *config_change_refuse(struct http_request *request, GError *error);
