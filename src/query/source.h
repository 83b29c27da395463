/*
 * What a set of grants reads, as the pool sees it: a folder of one generation and the tables in it.
 * Counted: workers and queries hold it, and the folder with it, as long as they may read.
 */
#pragma once

#include "base/cleanup.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct query_source {
	char *key;	/* the same for the same set of grants, whatever the generation */
	char *edition;	/* changes with the data or the tables; workers of another one go */
	uint64_t age;	/* grows with the data; see query_pool_retire_before() */
	char *folder;	/* <table>.parquet each */
	json_t *tables; /* see query_tables_new() */
	json_t *remote; /* see query/remote.h; NULL: a worker without the network */
	void (*release)(void *held);
	void *held; /* given to release when the last reference goes */
};

/* A source without references but the caller's. Fill it in before sharing it. */
struct query_source *query_source_new(void);
struct query_source *query_source_ref(struct query_source *source);
void query_source_free(struct query_source *source); /* drops one reference */
DEFINE_AUTOPTR(query_source)
