/* Where the files lie that come with the program. */
#pragma once

#include <glib.h>

/*
 * The folder `name`: what the environment variable says, else share/agnes/<name> beside the bin/ or
 * libexec/ of an installed program, else <name> above the build folder. It need not exist. g_free()
 * it.
 */
char *resources_folder(const char *variable, const char *name);
