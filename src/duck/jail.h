/*
 * A DuckDB in memory, in a process that has locked itself in with it: for children that read files
 * which somebody else wrote. The order is that of base/sandbox.h, hence the three steps.
 */
#pragma once

#include "base/cleanup.h"
#include "base/sandbox.h"
#include "duck/database.h"

#include <glib.h>
#include <stdbool.h>

struct duck_jail_options {
	const char *readable; /* the one folder that can be read */
	const char *writable; /* the one folder that can be written, also for temporary files */
	int memory_mb;	      /* of DuckDB; the process gets some multiple of it */
	int threads;
	bool late_threads; /* those but one are struct duck_helpers, which the caller starts */
	enum sandbox_profile profile;
	int newest_landlock;  /* see struct sandbox_plan */
	int parent;	      /* the descriptor whose end of file is the parent's death */
	int address_space_mb; /* of the process; 0: a multiple of memory_mb */
	int file_mb;	      /* of one file that is written; 0: no limit */
	const struct sandbox_path *more; /* what can be opened besides; may be NULL */
	size_t more_count;
};

struct duck_jail {
	struct duck_jail_options options; /* the strings stay the caller's */
	struct duck_database *database;
	struct duck_connection *connection;
};

/* Opens the database. Extensions that are needed are to be loaded next. */
bool duck_jail_open(struct duck_jail *jail, const struct duck_jail_options *options,
		    GError **error);

/* Gives up all rights but those to the two folders; ends the process when its parent ends. */
bool duck_jail_enter(struct duck_jail *jail, GError **error);

/*
 * Has DuckDB itself refuse other files, too, and any change of its settings: that gives better
 * messages than the kernel's, and holds where the kernel has no Landlock. Databases on the network
 * are to be attached before.
 */
bool duck_jail_close(struct duck_jail *jail, GError **error);

void duck_jail_clear(struct duck_jail *jail);
DEFINE_AUTO(duck_jail)
