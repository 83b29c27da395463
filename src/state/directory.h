/*
 * The directory: an immutable picture in memory of who there is, who may read what, and which
 * tables there are. The hot paths of the server read it without SQL and without waiting; after a
 * write to the state whoever wrote has the changed part read again, which makes the next picture. A
 * picture lives as long as somebody holds it.
 */
#pragma once

#include "base/cleanup.h"
#include "base/pmap.h"
#include "state/grants.h"
#include "state/groups.h"
#include "state/registry.h"
#include "state/state.h"
#include "state/sync_state.h"
#include "state/tokens.h"
#include "state/users.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct directory_user {
	const struct user *row;
	char **group_ids; /* sorted, NULL-terminated */
	bool is_admin;
	int64_t sessions_from; /* sessions issued before it have ended; 0: none has been ended */
};

struct directory_group {
	const struct group *row;
	const struct pmap *grants; /* see directory_granted() */
};

/* A table that is registered, or was published without being registered, or both. */
struct directory_table {
	const char *id;	  /* what grants name: the registry's id, else the name */
	const char *name; /* of the view and the file */
	const struct registered_table *registered; /* or NULL */
	const struct sync_state *synced;	   /* or NULL */
};

struct directory {
	uint64_t access_version; /* grows with every change to users, groups, grants or tokens */
	uint64_t tables_version; /* grows with every change to tables */
	const struct pmap *users, *users_by_email;   /* struct directory_user */
	const struct pmap *groups;		     /* struct directory_group */
	const struct pmap *tokens;		     /* struct token */
	const struct directory_table *const *tables; /* by name */
	size_t table_count;
	bool has_password; /* some user can sign in with one */
};
const struct directory *directory_ref(const struct directory *directory);
void directory_free(const struct directory *directory); /* gives a reference back */
typedef const struct directory directory_view;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(directory_view, directory_free)

/* NULL: there is none. Borrowed from the picture. */
const struct directory_user *directory_user(const struct directory *directory, const char *id);
const struct directory_user *directory_user_by_email(const struct directory *directory,
						     const char *email);
const struct directory_group *directory_group(const struct directory *directory, const char *id);
const struct token *directory_token(const struct directory *directory, const char *id);
/* The token that an entry of directory.tokens is. */
const struct token *directory_token_of(gconstpointer entry);
/* By id, else by name, whatever the case of the letters: a view has but one of them. */
const struct directory_table *directory_table(const struct directory *directory, const char *id);
/* The other way round, for what is called by its name first: files and views. */
const struct directory_table *directory_table_named(const struct directory *directory,
						    const char *name);

/* Whether some group of the user has the grant; an administrator needs none. */
bool directory_may(const struct directory *directory, const struct directory_user *user,
		   const char *type, const char *resource);
bool directory_may_read(const struct directory *directory, const struct directory_user *user,
			const struct directory_table *table);
/* Whether this group has the grant itself. */
bool directory_granted(const struct directory_group *group, const char *type, const char *resource);

/* Holds the present picture and makes the next. Any thread. */
struct directory_store;

struct directory_store *directory_store_new(struct state *state, GError **error);
void directory_store_free(struct directory_store *store);
DEFINE_AUTOPTR(directory_store)

/* The present picture, a reference of its own. */
const struct directory *directory_store_get(struct directory_store *store);

/*
 * Read a part of the state again after it was changed; what is gone there is gone then. On an error
 * the picture is the old one, and the next reload of any part reads everything.
 */
bool directory_reload_user(struct directory_store *store, const char *id, GError **error);
bool directory_reload_group(struct directory_store *store, const char *id, GError **error);
/* A grant that was made or taken away: looked up by its id, removed if that is gone. */
bool directory_reload_grant(struct directory_store *store, const struct grant *grant,
			    GError **error);
bool directory_reload_token(struct directory_store *store, const char *id, GError **error);
bool directory_reload_tables(struct directory_store *store, GError **error);
bool directory_reload_all(struct directory_store *store, GError **error);
/*
 * After a reload that failed, the picture is behind what was committed: somebody may still have
 * what was taken away. Reads everything again then, and is nothing otherwise.
 */
bool directory_mend(struct directory_store *store, GError **error);
