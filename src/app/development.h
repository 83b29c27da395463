/* Development mode, in which nobody signs in: every request is made by the developer. */
#pragma once

#include "state/directory.h"

/* The developer's e-mail; NULL: the mode is off. */
const char *development_user(void);

/* Warns whoever started the server, if the mode is on, and says what LOCAL_DEV_GROUPS means. */
void development_tell(const struct directory *directory);
