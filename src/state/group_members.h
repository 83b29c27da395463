/*
 * Who is in which group. A membership has a source, which decides who may take it away again. The
 * last active human administrator stays in Admin (CONFLICT), unless Google says otherwise.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum member_source {
	MEMBER_ADMIN,
	MEMBER_GOOGLE,
	MEMBER_SEED,
	MEMBER_BREAK_GLASS,
	MEMBER_ANY_SOURCE,
};

/* As it is stored: "admin", "google_sync", "system_seed", "cli_break_glass". */
const char *member_source_name(enum member_source source);

/* A membership with what it joins; only members that exist as users are ever listed. */
struct membership {
	const char *user_id, *email, *user_name;
	enum record_flag active;
	const char *group_id, *group_name;
	bool is_system; /* the group */
	const char *group_created_by;
	const char *source;
	int64_t added_at;
	const char *added_by;
};
DEFINE_RECORD(membership)
extern const struct record_type membership_type;

/* The members of a group by e-mail, the groups of a user (system groups first, then by name), all.
 */
GPtrArray *group_members_of_group(struct state *state, const char *group_id, GError **error);
GPtrArray *group_members_of_user(struct state *state, const char *user_id, GError **error);
GPtrArray *group_members_list(struct state *state, GError **error);
/* Of such a list: user id → GPtrArray of the user's memberships. Both stay with the list. */
GHashTable *group_members_by_user(const GPtrArray *memberships);

/*
 * Adds a member; one who is there already keeps the first source. `added` may be NULL. NOT_FOUND:
 * no such group.
 */
bool group_members_add(struct state *state, const char *user_id, const char *group_id,
		       enum member_source source, const char *added_by, bool *added,
		       GError **error);

/* The same within somebody's transaction. */
bool group_members_insert(struct duck_connection *connection, const char *user_id,
			  const char *group_id, enum member_source source, const char *added_by,
			  bool *added, GError **error);

/* NOT_FOUND: no membership of that source. */
bool group_members_remove(struct state *state, const char *user_id, const char *group_id,
			  enum member_source source, GError **error);

/*
 * Makes the user's memberships from Google be exactly these groups (NULL-terminated ids), in one
 * transaction. Memberships of another source stay as they are; unknown groups are passed over.
 */
bool group_members_set_google(struct state *state, const char *user_id, char **group_ids,
			      GError **error);
