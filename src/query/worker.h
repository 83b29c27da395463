/* The query-worker process: waits for queries on a socket and runs one at a time. */
#pragma once

#include "query/execute.h"

/* Runs until the server closes its end of QUERY_WORKER_SOCKET; the exit code of the process. */
int query_worker_run(query_execute_function *execute);
