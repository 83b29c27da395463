/* Letting go of what is older than anybody wants it kept: the keys retention.* */
#pragma once

#include "app/app.h"

/* Once; what goes wrong is logged, and the next time makes up for it. */
void retention_run(struct app *app);
