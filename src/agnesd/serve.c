/* agnesd serve: the server, in the foreground until it is told to stop. */
#include "agnesd/commands.h"
#include "agnesd/lifeline.h"
#include "agnesd/serve_options.h"
#include "app/app.h"
#include "app/queries.h"
#include "base/files.h"
#include "base/systemd.h"
#include "http/server.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/stat.h>

enum {
	DRAIN_SECONDS = 20, /* for requests that are under way at the end */
	PEM_LIMIT = 1024 * 1024,
	OTHER_HANDLERS = 32, /* threads that are left when as many queries wait as may */
};

/* What http_options points at while the server runs. */
struct settings {
	char **origins, **proxies;
	char *certificate, *key;
};

static void settings_clear(struct settings *settings)
{
	g_strfreev(settings->origins);
	g_strfreev(settings->proxies);
	g_free(settings->certificate);
	g_free(settings->key);
}
DEFINE_AUTO(settings)

/* The parts between commas of a variable, or of a default. */
static char **list_of(const char *variable, const char *otherwise)
{
	const char *given = g_getenv(variable);
	char **list = g_strsplit(given ? given : otherwise, ",", -1);
	for (char **at = list; *at; at++)
		g_strstrip(*at);
	return list;
}

static bool read_settings(struct settings *settings, GError **error)
{
	if (serve_options.port < 0 || serve_options.port > G_MAXUINT16) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
			    "--port is %d: it must be from 1 to %d, or 0 for any that is free",
			    serve_options.port, G_MAXUINT16);
		return false;
	}
	settings->origins = list_of("CORS_ORIGINS", "http://localhost:3000,http://localhost:8000");
	settings->proxies = list_of("FORWARDED_ALLOW_IPS", "127.0.0.1,::1");
	const char *certificate = serve_options.certificate, *key = serve_options.key;
	if (!certificate && !key)
		return true;
	if (!certificate || !key) {
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "--tls-certificate and --tls-key go together");
		return false;
	}
	settings->certificate = files_read(certificate, PEM_LIMIT, NULL, error);
	settings->key = settings->certificate ? files_read(key, PEM_LIMIT, NULL, error) : NULL;
	return settings->key != NULL;
}

static const char *host_to_bind(void)
{
	return serve_options.host ? serve_options.host : "0.0.0.0";
}

/* For who started this: where the server can be reached from this machine. */
static void tell_ready(const struct http_server *server, const struct settings *settings)
{
	const char *host = host_to_bind();
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "::") == 0)
		host = "::1";
	g_autofree char *url = g_uri_join(G_URI_FLAGS_NONE, settings->key ? "https" : "http", NULL,
					  host, http_server_port(server), "", NULL, NULL);
	lifeline_tell_ready(url);
}

static struct http_server *start_server(const struct settings *settings,
					const struct http_application *application, GError **error)
{
	static const char *const never_compressed[] = {"/api/data/", "/cli/wheel/", "/cli/download",
						       "/marketplace.git", NULL};
	const struct app *app = application->data;
	g_autoptr(GError) problem = NULL;
	int listener = serve_options.listener;
	if (listener == SERVE_NO_LISTENER)
		listener = systemd_take_listener(&problem);
	if (problem) {
		g_propagate_error(error, g_steal_pointer(&problem));
		return NULL;
	}
	const struct http_options http = {
		.host = host_to_bind(),
		.port = serve_options.port,
		.listen_fd = listener,
		.blocking_threads = OTHER_HANDLERS + (int)queries_limits(app->queries)->at_once,
		.cors_origins = (const char *const *)settings->origins,
		.trusted_proxies = (const char *const *)settings->proxies,
		.never_compressed = never_compressed,
		.tls_certificate = settings->certificate,
		.tls_key = settings->key,
	};
	return http_server_start(&http, application, error);
}

static gboolean stop(gpointer loop)
{
	g_message("stopping: %d seconds for requests that are under way", DRAIN_SECONDS);
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

static gboolean reload(gpointer app)
{
	g_autoptr(GError) error = NULL;
	if (app_reload_config(app, &error))
		g_message("the configuration was read again");
	else
		g_warning("the old configuration stays in force: %s", error->message);
	return G_SOURCE_CONTINUE;
}

static void notify(const char *state)
{
	g_autoptr(GError) error = NULL;
	if (!systemd_notify(state, &error))
		g_warning("%s", error->message);
}

/* For the person at the console: where it is, and what comes first. */
static void say_ready(const struct app *app, const struct http_server *server,
		      const struct settings *settings)
{
	g_autofree char *address = g_strdup_printf(
		"%s://localhost:%d", settings->key ? "https" : "http", http_server_port(server));
	g_print("Serving %s on %s\n", app->data_dir, address);
	if (app->bootstrap_code)
		g_print("\nNobody can sign in yet. Make the first administrator from this machine:\n\n"
			"  da setup bootstrap you@example.com --server %s\n\n"
			"From another machine, add --code %s; it holds until the server ends.\n\n",
			address, app->bootstrap_code);
	fflush(stdout);
}

static void run_until_stopped(struct app *app)
{
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, stop, loop);
	g_unix_signal_add(SIGINT, stop, loop);
	g_unix_signal_add(SIGHUP, reload, app);
	notify("READY=1");
	g_main_loop_run(loop);
	notify("STOPPING=1");
}

static int run(const struct command_context *context, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_auto(settings) settings = {0};
	struct http_application application;
	g_autoptr(app) app = NULL;
	g_autoptr(http_server) server = NULL;
	/* DuckDB makes its files for everybody, the journal of the state with its hashes, too. */
	umask(S_IRWXG | S_IRWXO);
	if (read_settings(&settings, &error))
		app = app_new(context->data_dir, &error);
	if (app) {
		app_describe(app, &application);
		server = start_server(&settings, &application, &error);
	}
	if (!server)
		return command_fail(&command_serve, g_steal_pointer(&error));
	g_atomic_pointer_set(&app->server, server);
	say_ready(app, server, &settings);
	tell_ready(server, &settings);
	run_until_stopped(app);
	app_stop(app);
	http_server_stop(server, DRAIN_SECONDS);
	return EXIT_CODE_OK;
}

const struct command command_serve = {
	.name = "serve",
	.arguments = "",
	.summary = "Serve the data directory",
	.details =
		"Makes what is missing in an empty data directory and says what to do next.\n"
		"SIGTERM stops it, SIGHUP makes it read its configuration again.\n"
		"Started by systemd it takes the socket that it is given and tells when it is ready.",
	.service = "app",
	.options = serve_option_entries,
	.run = run,
};
