/* Environment variables that mean yes or no. */
#pragma once

#include <stdbool.h>

/* Whether it is set to 1, true or yes, in any case. */
bool environment_flag(const char *name);
