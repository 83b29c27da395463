/* Notes for the audit log about what a request did. */
#pragma once

#include "http/request.h"

#include <jansson.h>

struct grant;

/*
 * What the caller did, to "<kind>:<id>" (kind NULL: to what `id` names alone, or to nothing). Takes
 * over `params`, which may be NULL.
 */
void audit_caller(const struct http_request *request, const char *action, const char *kind,
		  const char *id, json_t *params);

/* A grant that was made or taken away, and a user who was put into a group. */
void audit_grant(const struct http_request *request, const char *action, const struct grant *grant);
void audit_member_added(const struct http_request *request, const char *group_id,
			const char *user_email);

/* What somebody did who was not signed in yet; `result` may be NULL. */
void audit_sign_in(const struct http_request *request, const char *action, const char *user_id,
		   const char *result);
