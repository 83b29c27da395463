/* What the configuration says about the state. */
#include "config/config.h"
#include "state/state.h"

static bool is_named(const struct configuration *config, const char *variable)
{
	g_autofree char *email = g_strstrip(g_strdup(config_text(config, variable)));
	return *email != '\0';
}

void state_options_init(struct state_options *options, const struct configuration *config)
{
	*options = (struct state_options){
		.everyone_is_external = is_named(config, "AGNES_GROUP_EVERYONE_EMAIL"),
		.admin_is_external = is_named(config, "AGNES_GROUP_ADMIN_EMAIL"),
	};
}

struct state *state_open_configured(const char *data_dir, GError **error)
{
	struct state_options options;
	g_autoptr(configuration) config = config_load(data_dir, error);
	if (!config)
		return NULL;
	state_options_init(&options, config);
	return state_open(data_dir, &options, error);
}
