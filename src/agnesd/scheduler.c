/* agnesd scheduler: the clock beside the server. */
#include "services/scheduler/scheduler.h"
#include "agnesd/commands.h"
#include "agnesd/lifeline.h"
#include "base/systemd.h"

#include <glib-unix.h>

static gboolean stop(gpointer scheduler)
{
	scheduler_stop(scheduler);
	return G_SOURCE_CONTINUE;
}

static void notify(const char *state)
{
	g_autoptr(GError) error = NULL;
	if (!systemd_notify(state, &error))
		g_warning("%s", error->message);
}

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(scheduler) scheduler = NULL;
	g_autofree char *folder = g_build_filename(context->data_dir, "state", NULL);
	struct scheduler_settings *settings = scheduler_settings_new(&error);
	if (settings)
		scheduler = scheduler_new(settings, folder, &error);
	if (!scheduler)
		return command_fail(&command_scheduler, g_steal_pointer(&error));
	g_unix_signal_add(SIGTERM, stop, scheduler);
	g_unix_signal_add(SIGINT, stop, scheduler);
	notify("READY=1");
	lifeline_tell_ready("");
	scheduler_run(scheduler);
	notify("STOPPING=1");
	return EXIT_CODE_OK;
}

const struct command command_scheduler = {
	.name = "scheduler",
	.arguments = "",
	.summary = "Call the server when something is due",
	.details =
		"Speaks to the server over REST alone: API_URL says where it is\n"
		"(http://localhost:8000), SCHEDULER_API_TOKEN is the secret that both know.\n"
		"SCHEDULER_DATA_REFRESH_INTERVAL (900), SCHEDULER_HEALTH_CHECK_INTERVAL (300) and\n"
		"SCHEDULER_SCRIPT_RUN_INTERVAL (60) are in seconds, and so is\n"
		"SCHEDULER_TICK_SECONDS (30), the time between two looks at the clock.\n"
		"\n"
		"Within seconds of its start it calls what is due, daily jobs at their times only.\n"
		"When jobs last ran it keeps in DATA_DIR/state, if that is there. SIGTERM stops it.",
	.service = "scheduler",
	.run = run,
};
