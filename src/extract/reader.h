/*
 * Reading somebody's extract. This is the whole life of the child process `agnesd rebuild-source`:
 * it takes one request, locks itself into a sandbox in which it can read extracts/<source>/ and
 * write a work folder and nothing else, and answers with one JSON object a line, to be taken as
 * hostile input by publish.c, which is the only one to start it.
 *
 * Request:
 *	{"source": "shop", "folder": "/…/extracts/shop", "work": "/…", "stamp": "…",
 *	 "memory_mb": 1024, "threads": 2, "newest_landlock": 1000,
 *	 "described": true, "materialized": ["name", …], "known": {"name": "key", …}}
 * Answers:
 *	{"table": "orders", "description": "…", "extracted_at": 1, "key": "…", "rows": 1,
 *	 "columns": 2, "md5": "…", and either "link": "data/orders.parquet", "inode": 1, "size": 1,
 *	 "mtime_ns": 1 or "work": "orders.parquet"}
 *	{"table": "orders", "description": "…", "extracted_at": 1, "same": true}
 *	{"table": "far", "description": "…", "extracted_at": 1, "remote": ["kbc", "bucket", "t"]}
 *	{"attach": ["kbc", "keboola", "https://…", "KBC_TOKEN"]}
 *	{"table": "orders", "error": "…", "retry": false}	this table keeps its last version
 *	{"note": "…"}					for the operator
 *	{"error": "…", "retry": false}			nothing of the source can be used
 *	{"done": true}
 * "retry" tells failures that have nothing to do with what is in the extract, and may pass.
 */
#pragma once

#include <glib.h>

/*
 * How the key of a table begins that was evaluated from whatever the folder holds: such a one may
 * mix two states of a folder that changed meanwhile. Others watch the files that they are made of.
 */
#define READER_QUERY_KEY "query "

/* Ends the process. Standard input is a socket that is closed when the parent dies. */
void reader_run(void) G_GNUC_NORETURN;
