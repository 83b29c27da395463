/* The part of da refresh-views that da-engine does. */
#include "cli/engine/jobs.h"
#include "cli/engine/views.h"
#include "cli/output.h"

static json_t *names_to_json(const GPtrArray *names)
{
	json_t *list = json_array();
	for (guint i = 0; i < names->len; i++)
		json_array_append_new(list, json_string(names->pdata[i]));
	return list;
}

/* {"broken", "hidden"} or NULL. */
static json_t *refresh(const char *folder, GError **error)
{
	g_auto(views_report) report = {0};
	g_autoptr(workspace) workspace = workspace_open(folder, error);
	g_autoptr(sync_state) state = workspace ? sync_state_load(workspace, error) : NULL;
	if (!state || !views_refresh(workspace, state, &report, error) ||
	    !sync_state_save(state, workspace, true, error))
		return NULL;
	return json_pack("{so so}", "broken", names_to_json(report.broken), "hidden",
			 names_to_json(report.hidden));
}

int engine_refresh_views(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) answer = refresh(invocation_text(invocation, "workspace"), &error);
	g_autoptr(json_t) failure = answer ? NULL : json_pack("{ss}", "error", error->message);
	output_json(answer ? answer : failure);
	return answer ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}
