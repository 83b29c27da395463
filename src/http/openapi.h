/* The OpenAPI 3.1 description of an application, made from its route table. */
#pragma once

#include "http/server.h"

#include <jansson.h>

json_t *http_openapi(const struct http_application *application);
