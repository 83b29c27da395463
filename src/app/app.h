/*
 * What the handlers of the server share. It is made once by app_new() and passed to every request;
 * its members are safe to use from any thread.
 */
#pragma once

#include "base/cleanup.h"
#include "config/config.h"
#include "http/request.h"
#include "http/server.h"
#include "state/directory.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>

struct assets;
struct auditor;
struct cli_archives;
struct backup_keeper;
struct downloads;
struct health;
struct manifests;
struct publisher;
struct queries;
struct scan_quotas;
struct sign_in;
struct sync_runner;
struct table_facts;
struct traffic;

struct app {
	char *data_dir;
	struct state *state;
	struct directory_store *directory;
	struct auditor *auditor;
	struct sign_in *sign_in;
	struct health *health;
	struct backup_keeper *backups;
	struct publisher *publisher;
	struct manifests *manifests;
	struct downloads *downloads;
	struct queries *queries;
	struct scan_quotas *scan_quotas;
	struct table_facts *table_facts;
	struct sync_runner *sync_runner;
	struct traffic *traffic;
	struct http_server *server; /* set once it runs: g_atomic_pointer_get() */
	struct cli_archives *cli_archives;
	struct assets *assets;
	char *bootstrap_code; /* NULL: somebody can sign in */
	int stopping;	      /* an eventfd: readable as soon as app_stop() was called */
	int64_t started;      /* microseconds since 1970 */
	GMutex config_lock;   /* for the one that follows: use app_config() */
	struct configuration *config;
	const struct http_route *routes;
	const struct http_application *application; /* for its description */
};

/*
 * Opens the state (and makes all that is missing in an empty data directory), reads the
 * configuration and seeds the first administrator.
 */
struct app *app_new(const char *data_dir, GError **error);
/*
 * Before the server is stopped: ends what would keep it from ending, the synchronisation and the
 * streams about it, and calls of other servers.
 */
void app_stop(struct app *app);
/* After the server has stopped: writes what is queued. */
void app_free(struct app *app);
DEFINE_AUTOPTR(app)

/* The application that serves a request. */
static inline struct app *app_of(const struct http_request *request)
{
	return request->application;
}

/* The configuration in force, a reference of its own. */
struct configuration *app_config(struct app *app);
/* Reads the configuration again after it was saved. */
bool app_reload_config(struct app *app, GError **error);

/* Fills in what the HTTP server needs to serve the application; both live until the server stops.
 */
void app_describe(struct app *app, struct http_application *application);

/* Who may call a route. */
enum access {
	ACCESS_ANYBODY, /* and nobody asks who it is */
	ACCESS_VISITOR, /* anybody, but the handler wants to know */
	ACCESS_USER,
	ACCESS_SESSION, /* signed in by a password or a provider, not by a token */
	ACCESS_ADMIN,
	ACCESS_COUNT,
};

enum caller_kind { CALLER_SESSION, CALLER_TOKEN, CALLER_SCHEDULER };

/* Who calls, and the picture of the directory that the request works with. */
struct caller {
	const struct directory *directory;
	const struct directory_user *user; /* NULL: anybody */
	enum caller_kind kind;
	char *token_id; /* of a personal access token, else NULL */
};

static inline const struct caller *caller_of(const struct http_request *request)
{
	return request->caller;
}

/*
 * The table of that id or name if the caller may read it. NULL: there is none, or it is not for the
 * caller, who must not learn which; to an administrator it says that there is none.
 */
const struct directory_table *caller_table(const struct caller *caller, const char *name);
