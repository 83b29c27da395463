/* What is trimmed, as a table. */
#include "app/sync/retention.h"

#include "app/publisher.h"
#include "state/audit.h"
#include "state/sync_runs.h"
#include "state/sync_state.h"

static const struct {
	const char *key, *what;
	int64_t (*trim)(struct state *state, int64_t before, GError **error);
} kept[] = {
	{"retention.history_days", "entries of the tables' history", sync_history_trim},
	{"retention.runs_days", "sync runs", sync_runs_trim},
	{"retention.audit_days", "entries of the audit log", audit_trim},
};

void retention_run(struct app *app)
{
	g_autoptr(GError) problem = NULL;
	g_autoptr(configuration) config = app_config(app);
	for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
		g_autoptr(GError) error = NULL;
		int64_t days = config_int(config, kept[i].key);
		int64_t before = g_get_real_time() - days * G_TIME_SPAN_DAY;
		int64_t gone = days == 0 ? 0 : kept[i].trim(app->state, before, &error);
		if (gone > 0)
			g_message("%" G_GINT64_FORMAT " %s older than %" G_GINT64_FORMAT
				  " days were removed",
				  (gint64)gone, kept[i].what, (gint64)days);
		else if (gone < 0)
			g_warning("%s: old ones stay: %s", kept[i].what, error->message);
	}
	if (!publisher_sweep(app->publisher, &problem))
		g_warning("superseded files stay: %s", problem->message);
}
