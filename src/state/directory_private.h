/* How a picture of the directory is kept: for directory.c and directory_store.c. */
#pragma once

#include "state/directory.h"

/* Entries are shared by the pictures that hold them; each starts with what the public header shows.
 */
struct directory_user_entry {
	struct directory_user public;
	gatomicrefcount references;
};

/* The row of a group, which outlives the entry when only a grant changes. */
struct directory_group_row {
	struct group *row;
	gatomicrefcount references;
};

struct directory_group_entry {
	struct directory_group public;
	struct directory_group_row *own_row; /* what public.row is of */
	struct pmap *own_grants;	     /* what public.grants is */
	gatomicrefcount references;
};

struct directory_token_entry {
	struct token *row;
	gatomicrefcount references;
};

struct directory_grant_entry {
	char *key; /* see directory_grant_key() */
	char *id;
	gatomicrefcount references;
};

/* All tables, replaced together. */
struct directory_tables {
	gatomicrefcount references;
	GPtrArray *registered, *synced; /* the records */
	struct directory_table *rows;	/* by name */
	const struct directory_table **sorted;
	size_t count;
	GHashTable *by_id, *by_name; /* names in lower case */
};

/* A picture; the public part's pointers are the own_ ones. */
struct directory_picture {
	struct directory public;
	gatomicrefcount references;
	struct pmap *own_users, *own_users_by_email, *own_groups, *own_tokens;
	struct directory_tables *own_tables;
	size_t users_with_password;
};

extern const struct pmap_values directory_user_values, directory_group_values,
	directory_token_values, directory_grant_values;

struct directory_group_row *directory_group_row_ref(struct directory_group_row *row);

/* Type and id as one key; g_free() it. */
char *directory_grant_key(const char *type, const char *resource);

struct directory_tables *directory_tables_new(GPtrArray *registered, GPtrArray *synced);
struct directory_tables *directory_tables_ref(struct directory_tables *tables);
void directory_tables_free(struct directory_tables *tables); /* gives a reference back */

/* A new picture that shares everything with `from`; NULL: an empty one. */
struct directory_picture *directory_picture_new(const struct directory_picture *from);
/* After own_ members were changed: brings the public part in line. */
void directory_picture_seal(struct directory_picture *picture);
