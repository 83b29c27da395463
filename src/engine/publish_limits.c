/* From keys of the configuration to limits. */
#include "engine/publish_limits.h"

enum { BYTES_IN_MB = 1000 * 1000 };

void publish_limits_choose(struct publish_limits *limits, const struct configuration *config)
{
	*limits = publish_default_limits;
	limits->memory_mb = (int)(config_size(config, "rebuild.memory_limit") / BYTES_IN_MB);
	limits->seconds = (int)config_int(config, "rebuild.timeout_seconds");
}
