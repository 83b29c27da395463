/* The steps that move rows, each in the file of its name. All run inside a transaction. */
#pragma once

#include "duck/database.h"
#include "state/catalog.h"

#include <glib.h>
#include <stdbool.h>

struct state_options;

/* `catalog` is what the database had when the step began. */
typedef bool (*migration_step)(struct duck_connection *connection,
			       const struct state_catalog *catalog,
			       const struct state_options *options, GError **error);

bool migrate_to_9(struct duck_connection *connection, const struct state_catalog *catalog,
		  const struct state_options *options, GError **error);
bool migrate_to_13(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error);
bool migrate_to_14(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error);
bool migrate_to_18(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error);
bool migrate_to_19(struct duck_connection *connection, const struct state_catalog *catalog,
		   const struct state_options *options, GError **error);

/* The tables of groups, members and grants, where they are missing, with the system groups. */
bool migrate_make_groups(struct duck_connection *connection, const struct state_catalog *catalog,
			 GError **error);
