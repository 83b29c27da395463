/* Looking things up in lists of the server. */
#include "cli/lookup.h"

#include "cli/api.h"
#include "cli/output.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

int lookup_user(struct invocation *invocation, const char *reference, char **id)
{
	size_t i;
	json_t *user;
	g_autoptr(api_reply) reply = NULL;
	if (!strchr(reference, '@')) {
		*id = g_strdup(reference);
		return EXIT_CODE_OK;
	}
	const struct api_call call = {.path = "/api/users", .failure = "Could not list users"};
	int code = api_ask(invocation, &call, &reply);
	if (code)
		return code;
	json_array_foreach(reply->json, i, user)
	{
		if (strcmp(text_of(user, "email"), reference) == 0) {
			*id = g_strdup(text_of(user, "id"));
			return EXIT_CODE_OK;
		}
	}
	output_warn("User not found: %s\n", reference);
	return EXIT_CODE_FAILED;
}

int lookup_group(struct invocation *invocation, const char *reference, char **id)
{
	size_t i;
	json_t *group;
	g_autoptr(api_reply) reply = NULL;
	const struct api_call call = {.path = "/api/admin/groups",
				      .failure = "Could not list groups"};
	int code = api_ask(invocation, &call, &reply);
	if (code)
		return code;
	json_array_foreach(reply->json, i, group)
	{
		if (strcmp(text_of(group, "id"), reference) == 0 ||
		    strcmp(text_of(group, "name"), reference) == 0) {
			*id = g_strdup(text_of(group, "id"));
			return EXIT_CODE_OK;
		}
	}
	output_warn("Group not found: %s\n", reference);
	return EXIT_CODE_FAILED;
}
