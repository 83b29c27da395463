/* What browsers get in place of a bare JSON refusal. */
#pragma once

#include "http/server.h"

/* http_application.dress: a redirect to the login page, or an error page, outside the API. */
struct http_response *pages_dress(struct http_request *request, struct http_response *response);
