/* Asking for the list of metrics. */
#include "cli/metric_list.h"

int metric_list_ask(struct invocation *invocation, const char *category, struct api_reply **reply)
{
	g_autoptr(GString) path = g_string_new("/api/metrics");
	api_add_query(path, "category", category);
	return api_ask(invocation, &(struct api_call){.path = path->str}, reply);
}

const json_t *metric_list_of(const struct api_reply *reply, struct json_slice *text)
{
	struct json_slice whole = {reply->body, reply->size};
	bool is_wrapped = json_is_object(reply->json);
	if (text && (!is_wrapped || !json_text_member(whole, "metrics", text)))
		*text = is_wrapped ? (struct json_slice){"[]", 2} : whole;
	return is_wrapped ? json_object_get(reply->json, "metrics") : reply->json;
}
