/* What a configuration allows to the children that read extracts and published files. */
#pragma once

#include "config/config.h"
#include "extract/publish.h"

void publish_limits_choose(struct publish_limits *limits, const struct configuration *config);
