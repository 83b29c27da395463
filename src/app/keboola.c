/* Looking for the settings of Keboola. */
#include "app/keboola.h"

#include "extract/remote.h"

/* NULL instead of nothing. */
static const char *setting(const struct configuration *config, const char *name)
{
	return config_is_set(config, name) ? config_text(config, name) : NULL;
}

static const char *either(const char *first, const char *second)
{
	return first ? first : second;
}

/* Administrators name the variable: one that holds another secret must not go to who knows where.
 */
static const char *named_token(const struct configuration *config)
{
	g_auto(remote_policy) policy = {0};
	const char *name = config_text(config, "data_source.keboola.token_env");
	remote_policy_init(&policy, NULL, g_getenv("AGNES_REMOTE_ATTACH_TOKEN_ENVS"));
	const char *token = remote_policy_allows_token(&policy, name) ? config_env(config, name)
								      : NULL;
	return token && *token ? token : NULL;
}

struct keboola_settings keboola_settings_of_sync(const struct configuration *config)
{
	return (struct keboola_settings){
		.url = either(setting(config, "data_source.keboola.stack_url"),
			      setting(config, "KEBOOLA_STACK_URL")),
		.token = either(named_token(config), setting(config, "KEBOOLA_STORAGE_TOKEN")),
	};
}

struct keboola_settings keboola_settings_of_notes(const struct configuration *config)
{
	const struct keboola_settings own = {setting(config, "KBC_STACK_URL"),
					     setting(config, "KBC_STORAGE_TOKEN")};
	if (own.url && own.token)
		return own;
	const struct keboola_settings common = keboola_settings_of_sync(config);
	return (struct keboola_settings){either(common.url, own.url),
					 either(common.token, own.token)};
}
