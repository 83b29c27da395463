/*
 * Requests of users to read a table. The table is what the user wrote: whether there is one of that
 * name is for the administrator to see.
 */
#pragma once

#include "state/grants.h"
#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TABLE_REQUEST_PENDING  "pending"
#define TABLE_REQUEST_APPROVED "approved"
#define TABLE_REQUEST_REFUSED  "refused"

/* Requests that one user may have open. */
enum { TABLE_REQUESTS_OPEN = 50 };

struct table_request {
	const char *id, *user_id, *table_name, *reason, *status;
	int64_t created_at, decided_at;
	const char *decided_by, *answer;
};
DEFINE_RECORD(table_request)
extern const struct record_type table_request_type;

/* Newest first; of one user and of one status unless that is NULL. */
GPtrArray *table_requests_list(struct state *state, const char *user_id, const char *status,
			       GError **error);
/* NOT_FOUND when there is no such request. */
struct table_request *table_requests_find(struct state *state, const char *id, GError **error);
/* CONFLICT: the user has asked for that table and waits. TOO_LARGE: too many are open. */
struct table_request *table_requests_create(struct state *state, const char *user_id,
					    const char *table_name, const char *reason,
					    GError **error);
/* Decides a pending request. NOT_FOUND: there is none; CONFLICT: it was decided already. */
bool table_requests_decide(struct state *state, const char *id, const char *status,
			   const char *decided_by, const char *answer, GError **error);

/* How a request is approved: the table is granted to a group, which who asked is put into. */
struct table_approval {
	const char *id; /* of the request */
	const char *group_id, *table_id;
	const char *decided_by, *answer;
};
struct table_approved {
	struct grant *grant;  /* that counts now, new or not; record_free() it */
	bool granted, joined; /* what was not so before */
};

/*
 * Decides, grants and joins in one transaction: a request that is approved has let the user read
 * the table. NOT_FOUND: there is no such request or group; CONFLICT: it was decided already.
 */
bool table_requests_approve(struct state *state, const struct table_approval *approval,
			    struct table_approved *approved, GError **error);
