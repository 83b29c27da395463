/* Asking for the server's health. */
#include "cli/health.h"

#include "base/error.h"

static struct api_reply *ask(struct invocation *invocation, const char *path, GError **error)
{
	struct api *api = invocation_api(invocation, error);
	g_autoptr(api_reply) reply = NULL;
	if (api)
		reply = api_send(api, &(struct api_call){.path = path}, error);
	if (!reply)
		return NULL;
	if (json_is_object(reply->json))
		return g_steal_pointer(&reply);
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
		    "%s answers %s with HTTP %d and no JSON; is it the address of an Agnes server?",
		    api_server(api), path, reply->status);
	return NULL;
}

struct api_reply *health_ask(struct invocation *invocation, GError **error)
{
	return ask(invocation, "/api/health", error);
}

struct api_reply *health_ask_detailed(struct invocation *invocation)
{
	return ask(invocation, "/api/health/detailed", NULL);
}

const char *health_text(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : fallback;
}
