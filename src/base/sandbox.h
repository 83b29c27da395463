/*
 * Giving up rights for good: which files a process may open (Landlock), which system calls it may
 * make (seccomp) and how much it may use (rlimits). What is given up binds the calling thread and
 * every thread and process that it starts, so that the order matters:
 *
 *   1. rlimits, at any time; RLIMIT_AS before anything large is mapped
 *   2. open what must stay open; a DuckDB database with threads=1, and whatever needs a file that
 *      is outside the sandbox (extensions, time zones)
 *   3. sandbox_enter(), which refuses to run once a second thread exists: that one would keep its
 *      rights, and DuckDB would read forbidden files through it
 *   4. only then threads: `SET threads`, process_end_with_parent()
 *   5. `SET enable_external_access=false`, `SET lock_configuration=true`
 *
 * Landlock rules bind the files themselves, not their names: a file that is renamed into an allowed
 * folder afterwards can be opened (the folder is what was allowed), one that is allowed by itself
 * and then replaced cannot.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_access {
	SANDBOX_READ,	    /* read the file, or list and read everything below the folder */
	SANDBOX_READ_WRITE, /* also create, write, rename and remove */
};

struct sandbox_path {
	const char *path; /* must exist */
	enum sandbox_access access;
};

/* Which system calls are left. Neither allows exec, ptrace, io_uring, mounts or new namespaces. */
enum sandbox_profile {
	SANDBOX_OFFLINE, /* files, memory and threads; sockets that are open stay usable */
	SANDBOX_NETWORK, /* the same, and sockets as a client of IPv4 and IPv6 */
};

struct sandbox_plan {
	enum sandbox_profile profile;
	const struct sandbox_path *paths; /* nothing else can be opened */
	size_t path_count;
	/* Use no newer Landlock than this ABI, 0 for none: how tests stand in for older kernels. */
	int newest_landlock;
};

/* For sandbox_plan.newest_landlock: whatever the kernel has. */
enum { SANDBOX_ANY_LANDLOCK = 1000 };

/*
 * Gives up all rights but those of the plan. What the kernel does not have is left out (see
 * sandbox_support_text()); anything else that fails is an error, after which the process must end.
 */
bool sandbox_enter(const struct sandbox_plan *plan, GError **error);

/* The Landlock ABI of the kernel, 0 when it has none or it is switched off. */
int sandbox_landlock_abi(void);

/*
 * What the kernel lacks of all this, as a sentence for the log of a server that starts; NULL when
 * it lacks nothing that matters. g_free() it.
 */
char *sandbox_shortcomings(void);

struct sandbox_limits {
	uint64_t address_space; /* bytes; 0 in any of these: as it is */
	uint64_t file_size;	/* bytes of one file that is written */
	uint64_t open_files;
};

/* Limits that the process cannot raise again. Core dumps, which would hold data, are off at once.
 */
bool sandbox_limit(const struct sandbox_limits *limits, GError **error);

/*
 * Lets the process use `seconds` of CPU time more than it has used by now; past that, the kernel
 * kills it. May be called again for the next piece of work. 0: no limit.
 */
bool sandbox_limit_cpu(unsigned seconds, GError **error);
