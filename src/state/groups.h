/*
 * The groups of users. The system groups Admin and Everyone can be described anew, but neither
 * renamed nor deleted (CONFLICT).
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define GROUPS_ADMIN	      "Admin"
#define GROUPS_EVERYONE	      "Everyone"
#define GROUPS_GOOGLE_CREATOR "system:google-sync" /* created_by of groups that a claim made */

struct group {
	const char *id, *name, *description;
	bool is_system;
	int64_t created_at;
	const char *created_by;
};
DEFINE_RECORD(group)
extern const struct record_type group_type;

/* Ordered by name. */
GPtrArray *groups_list(struct state *state, GError **error);

/* NOT_FOUND when there is no such group. Names are compared exactly. */
struct group *groups_find(struct state *state, const char *id, GError **error);
struct group *groups_find_by_name(struct state *state, const char *name, GError **error);

/* A new group, not a system one. CONFLICT: the name is taken. INVALID: it is empty. */
struct group *groups_create(struct state *state, const char *name, const char *description,
			    const char *created_by, GError **error);

/*
 * The group of that name as it is, or a new one for a claim of Google Workspace. A description of
 * NULL stands for a standard text.
 */
struct group *groups_ensure(struct state *state, const char *name, const char *description,
			    GError **error);

/*
 * Sets the name and the description, each unless it is NULL; members and grants stay. CONFLICT: a
 * system group, or the name is taken.
 */
bool groups_update(struct state *state, const char *id, const char *name, const char *description,
		   GError **error);

/*
 * Puts in order what a process that died while it renamed a group has left: called when the state
 * is opened, and by the two functions that it could trouble.
 */
bool groups_finish_renames(struct duck_connection *connection, GError **error);

/*
 * Deletes the group with its members and grants. When it fails in the middle, or the process dies,
 * the group may be left without them; then delete it again.
 */
bool groups_delete(struct state *state, const char *id, GError **error);
