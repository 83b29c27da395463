/* The query-worker process: waits for queries on a socket and runs one at a time. */
#pragma once

#include "query/execute.h"

/* The descriptor that the server puts the socket at. */
enum { QUERY_WORKER_SOCKET = 3 };

/* Runs until the server closes its end; the exit code of the process. */
int query_worker_run(int socket, query_execute_function *execute);
