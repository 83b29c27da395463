/*
 * Fetching files side by side. A file grows as NAME.<md5>.part, is hashed meanwhile, and takes the
 * place of NAME only when it is what was announced. What is there of it after a failure stays, and
 * is completed the next time (Range, If-Range) if the server still has the same version.
 */
#pragma once

#include "base/cleanup.h"
#include "cli/workspace/sync_state.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum download_state {
	DOWNLOAD_WAITING,
	DOWNLOAD_RUNNING,
	DOWNLOAD_DONE,
	DOWNLOAD_UNCHANGED, /* the server says that `etag` is still the present version */
	DOWNLOAD_FAILED,    /* with an error; CONFLICT: the server has another version by now */
};

struct download {
	const char *label; /* the table, for messages and progress */
	const char *name;  /* of the file to be */
	const char *url;
	const char *md5;  /* what it must have; NULL: not known, then it must look like parquet */
	int64_t size;	  /* what it must have; 0: not known */
	const char *etag; /* NULL, or that of the file on disk */

	/* The result. The first two may be read while it runs, atomically. */
	int state;	  /* enum download_state */
	int64_t received; /* bytes of the file that are there, those of an earlier run included */
	GError *error;
	char *new_etag;
	struct file_mark mark;
};

/* Frees what the result holds. */
void download_clear(struct download *download);

enum { DOWNLOADS_PARALLEL = 8, DOWNLOADS_MOST_PARALLEL = 64, DOWNLOADS_RETRIES = 3 };

struct download_options {
	int folder; /* where the files are to be */
	const char *agent;
	const char *const *headers; /* NULL-terminated, for authentication */
	int parallel, retries;	    /* retries: of one file, after the first attempt */
	int idle_seconds;	    /* without a byte */
	int cancel;		    /* a descriptor: readable means give up; 0: none */
	/* Called some times a second while it runs, in the caller's thread; may be NULL. */
	void (*watch)(void *data);
	void *data;
};

/*
 * Runs them all; each says itself how it ended. Returns false, and leaves the rest failed or
 * waiting, when no further one makes sense: CANCELLED, NO_SPACE, DENIED (not logged in any more),
 * UNAVAILABLE (the server has gone).
 */
bool downloads_run(struct download *downloads, size_t count, const struct download_options *options,
		   GError **error);

/* Removes what is left of downloads other than these. */
void downloads_tidy(int folder, const struct download *downloads, size_t count);

/* Whether a file begins and ends like parquet. */
bool download_is_parquet(int fd);
