/* agnesd up: the server and its scheduler as one, for one machine. */
#include "agnesd/commands.h"
#include "agnesd/serve_options.h"
#include "agnesd/supervised.h"
#include "app/auth/secret.h"
#include "app/auth/sign_in.h"
#include "base/systemd.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>

enum {
	TOKEN_BYTES = 32,
	SCHEDULER_STOP_MILLISECONDS = 5 * 1000,
	/* More than the server gives the requests that are under way. */
	SERVER_STOP_MILLISECONDS = 40 * 1000,
};

struct up {
	const char *data_dir;
	GMainLoop *loop;
	struct supervised *server, *scheduler;
	int listener;
	char *token;
	bool told_ready;
	int exit_code;
};

static void up_clear(struct up *up)
{
	supervised_free(up->scheduler);
	supervised_free(up->server);
	descriptor_close(&up->listener);
	g_clear_pointer(&up->loop, g_main_loop_unref);
	g_free(up->token);
}
DEFINE_AUTO(up)

static void notify(const char *state)
{
	g_autoptr(GError) error = NULL;
	if (!systemd_notify(state, &error))
		g_warning("%s", error->message);
}

static bool has_text(const char *variable)
{
	const char *value = g_getenv(variable);
	return value && value[strspn(value, " \t\r\n")];
}

/* "agnesd NAME" with what both commands are told; more may be added. */
static GPtrArray *arguments_of(const struct up *up, const char *name)
{
	GPtrArray *arguments = g_ptr_array_new();
	g_ptr_array_add(arguments, g_strdup("agnesd"));
	g_ptr_array_add(arguments, g_strdup(name));
	g_ptr_array_add(arguments, g_strdup("--lifeline"));
	g_ptr_array_add(arguments, g_strconcat("--data-dir=", up->data_dir, NULL));
	return arguments;
}

static char **finish(GPtrArray *arguments)
{
	g_ptr_array_add(arguments, NULL);
	return (char **)g_ptr_array_free(arguments, FALSE);
}

/* Ours, without what systemd says to us alone, and with the secret that the two share. */
static char **environment_of(const struct up *up)
{
	char **environment = g_get_environ();
	environment = g_environ_unsetenv(environment, "NOTIFY_SOCKET");
	environment = g_environ_unsetenv(environment, "WATCHDOG_USEC");
	environment = g_environ_unsetenv(environment, "WATCHDOG_PID");
	return g_environ_setenv(environment, "SCHEDULER_API_TOKEN", up->token, TRUE);
}

static void start_server(struct up *up)
{
	GPtrArray *arguments = arguments_of(up, "serve");
	serve_options_pass_on(arguments);
	if (up->listener >= 0)
		g_ptr_array_add(arguments, g_strdup("--listener=3"));
	supervised_start(up->server, finish(arguments), environment_of(up), up->listener);
}

static void server_ready(void *data, const char *where)
{
	struct up *up = data;
	char **environment = g_environ_setenv(environment_of(up), "API_URL", where,
					      !has_text("API_URL"));
	supervised_start(up->scheduler, finish(arguments_of(up, "scheduler")), environment, -1);
}

static void scheduler_ready(void *data, const char *where)
{
	struct up *up = data;
	if (!up->told_ready)
		notify("READY=1");
	up->told_ready = true;
}

/* What says by its exit code that it cannot work would say so each time. */
static bool give_up(struct up *up, const char *name, int code)
{
	g_warning("agnesd %s did not start: there is nothing to keep running", name);
	up->exit_code = code > 0 ? code : EXIT_CODE_FAILED;
	g_main_loop_quit(up->loop);
	return false;
}

/* A scheduler without its server would only complain; the next one may be told another address. */
static bool server_ended(void *data, int code, bool first)
{
	struct up *up = data;
	supervised_stop(up->scheduler, SCHEDULER_STOP_MILLISECONDS);
	return first && code >= 0 ? give_up(up, "serve", code) : true;
}

static bool scheduler_ended(void *data, int code, bool first)
{
	return first && code >= 0 ? give_up(data, "scheduler", code) : true;
}

static gboolean stop(gpointer data)
{
	struct up *up = data;
	g_main_loop_quit(up->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean reload(gpointer data)
{
	struct up *up = data;
	supervised_signal(up->server, SIGHUP);
	return G_SOURCE_CONTINUE;
}

static void run_until_stopped(struct up *up)
{
	g_unix_signal_add(SIGTERM, stop, up);
	g_unix_signal_add(SIGINT, stop, up);
	g_unix_signal_add(SIGHUP, reload, up);
	start_server(up);
	if (up->exit_code == EXIT_CODE_OK)
		g_main_loop_run(up->loop);
	notify("STOPPING=1");
	/* First who asks for work, then who does it. */
	bool well = supervised_stop(up->scheduler, SCHEDULER_STOP_MILLISECONDS);
	well = supervised_stop(up->server, SERVER_STOP_MILLISECONDS) && well;
	if (!well && up->exit_code == EXIT_CODE_OK)
		up->exit_code = EXIT_CODE_FAILED;
}

/* The one that was given; else one for this start alone. */
static bool choose_token(struct up *up, GError **error)
{
	const char *given = g_getenv("SCHEDULER_API_TOKEN");
	up->token = g_strstrip(g_strdup(given ? given : ""));
	if (!*up->token) {
		g_free(up->token);
		up->token = secret_random_hex(TOKEN_BYTES);
	}
	if (strlen(up->token) >= SCHEDULER_SECRET_SHORTEST)
		return true;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
		    "SCHEDULER_API_TOKEN is shorter than %d characters: make it longer, or leave "
		    "it unset, then a new one is made at each start",
		    SCHEDULER_SECRET_SHORTEST);
	return false;
}

static bool prepare(struct up *up, GError **error)
{
	g_autoptr(GError) problem = NULL;
	if (serve_options.certificate && !has_text("API_URL")) {
		g_set_error_literal(
			error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			"with --tls-certificate, API_URL must say by which address, one "
			"that the certificate is for, the scheduler reaches the server");
		return false;
	}
	if (!choose_token(up, error))
		return false;
	up->listener = systemd_take_listener(&problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return false;
	}
	return true;
}

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_auto(up) up = {.data_dir = context->data_dir, .listener = -1};
	if (!prepare(&up, &error))
		return command_fail(&command_up, g_steal_pointer(&error));
	const struct supervised_options server = {"serve", server_ready, server_ended, &up};
	const struct supervised_options scheduler = {"scheduler", scheduler_ready, scheduler_ended,
						     &up};
	up.loop = g_main_loop_new(NULL, FALSE);
	up.server = supervised_new(&server);
	up.scheduler = supervised_new(&scheduler);
	run_until_stopped(&up);
	return up.exit_code;
}

const struct command command_up = {
	.name = "up",
	.arguments = "",
	.summary = "Serve the data directory and call what is due, all in one",
	.details =
		"Runs 'agnesd serve' and 'agnesd scheduler' and starts again what of them ends by\n"
		"itself. Without SCHEDULER_API_TOKEN they share a secret that is new at each start.\n"
		"SIGTERM stops both, SIGHUP makes the server read its configuration again. Started\n"
		"by systemd it takes the socket that it is given and tells when it is ready.",
	.service = "up",
	.options = serve_option_entries,
	.run = run,
};
