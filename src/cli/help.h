/* What --help prints, from the tables. */
#pragma once

#include <glib.h>

/* The page of a command, a group or, for "", the program; `width` columns. g_free() it. */
char *help_page(const char *path, int width);

/* "Usage: da …" without a newline. g_free() it. */
char *help_usage(const char *path);

/* What an option is called: "-n, --rows N". g_free() it. */
struct option;
char *help_option_name(const struct option *option);

/* Its meaning with what follows from its declaration: default, variable, words. g_free() it. */
char *help_option_meaning(const struct option *option);
