/* The options of `agnesd serve`, which `agnesd up` takes as well and passes on. */
#pragma once

#include <glib.h>

enum { SERVE_NO_LISTENER = -1 };

struct serve_options {
	char *host; /* NULL: 0.0.0.0 */
	int port;
	char *certificate, *key; /* files; NULL: none */
	int listener;		 /* a socket to serve on instead, or SERVE_NO_LISTENER */
};

/* What the command line said. */
extern struct serve_options serve_options;
extern const GOptionEntry serve_option_entries[];

/* Appends them as arguments, but for the listener. They stay those of serve_options. */
void serve_options_pass_on(GPtrArray *arguments);
