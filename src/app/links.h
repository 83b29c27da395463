/* Addresses of this server as others see it. */
#pragma once

#include "http/request.h"

#include <glib.h>

/*
 * "https://data.example.com", without a slash at the end: SERVER_URL, else DOMAIN, else what the
 * request was sent to. Only the first two may stand in a mail, because a Host header is the
 * client's word; the last is for answers to that client. NULL: none can be told.
 */
char *links_base(const struct http_request *request);
/* The same for mails: NULL unless the operator has set SERVER_URL or DOMAIN. */
char *links_mail_base(void);

/* base + path + "?email=…&token=…" */
char *links_with_token(const char *base, const char *path, const char *email, const char *token);
