/* What the environment says of development mode, and telling it. */
#include "app/development.h"

#include "base/environment.h"
#include "base/json.h"

#include <string.h>

const char *development_user(void)
{
	const char *email = g_getenv("LOCAL_DEV_USER_EMAIL");
	if (!environment_flag("LOCAL_DEV_MODE"))
		return NULL;
	return email && *email ? email : "dev@localhost";
}

/* Groups as Google would tell them: objects with an id, and a name unless it is the same. */
static void tell_groups(const char *text)
{
	size_t index;
	json_t *item;
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) names = g_string_new(NULL);
	g_autoptr(json_t) groups = json_parse(text, strlen(text), "LOCAL_DEV_GROUPS", &error);
	if (!json_is_array(groups)) {
		g_warning("%s",
			  error ? error->message : "LOCAL_DEV_GROUPS is no JSON list of groups");
		return;
	}
	json_array_foreach(groups, index, item)
	{
		const char *id = json_string_value(json_object_get(item, "id"));
		const char *name = json_string_value(json_object_get(item, "name"));
		if (!id || !*id) {
			g_warning("LOCAL_DEV_GROUPS: item %zu has no id and is left out", index);
			continue;
		}
		g_string_append_printf(names, "%s%s (%s)", names->len ? ", " : "",
				       name && *name ? name : id, id);
	}
	g_message("LOCAL_DEV_GROUPS changes no membership; its groups: %s",
		  names->len ? names->str : "none");
}

void development_tell(const struct directory *directory)
{
	const char *user = development_user();
	const char *groups = g_getenv("LOCAL_DEV_GROUPS");
	if (!user)
		return;
	g_warning("LOCAL_DEV_MODE is on: whoever sends a request is %s, without signing in; never "
		  "use it on a network",
		  user);
	if (!directory_user_by_email(directory, user))
		g_warning("LOCAL_DEV_MODE has no effect: there is no user %s, because "
			  "SEED_ADMIN_EMAIL names another",
			  user);
	if (groups && *groups)
		tell_groups(groups);
}
