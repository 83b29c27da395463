/* Everything that is measured about a running server, as one Prometheus text. */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct app;

/* `each_table`: also a series for each of the first thousand tables. May block. */
char *figures_expose(struct app *app, bool each_table);
