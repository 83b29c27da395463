/* The listening socket. */
#pragma once

#include "http/server.h"

/*
 * Makes options->listen_fd ready, opening it unless one was given, and tells its port (0 for a
 * socket that has none).
 */
bool http_listen(struct http_options *options, int *port, GError **error);
