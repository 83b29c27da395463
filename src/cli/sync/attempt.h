/* One attempt to fetch a file; for download.c. */
#pragma once

#include "base/http_client.h"
#include "cli/sync/download.h"
#include "cli/sync/hasher.h"

/* What one of the threads works with. */
struct download_worker {
	const struct download_options *options;
	struct http_client *client;
	struct hasher *hasher;
};

/*
 * Fetches the file, from where an earlier attempt ended if that can be, and puts it into its place
 * once it is verified. *again: the next attempt may well succeed.
 */
bool download_attempt(struct download_worker *worker, struct download *download, bool *again,
		      GError **error);

/* The name of what is not complete yet: "orders.parquet.<md5>.part". */
char *download_part_name(const struct download *download);
