/* Putting the application together and taking it apart. */
#include "app/app.h"

#include "app/auditor.h"
#include "app/auth/secret.h"
#include "app/auth/sign_in.h"
#include "app/cli_archives.h"
#include "app/development.h"
#include "app/downloads.h"
#include "app/health.h"
#include "app/manifest.h"
#include "app/monitor/traffic.h"
#include "app/pages.h"
#include "app/publisher.h"
#include "app/queries.h"
#include "app/routes.h"
#include "app/scan_quota.h"
#include "app/seed.h"
#include "app/sync/runner.h"
#include "app/table_facts.h"
#include "app/web/assets.h"
#include "base/error.h"
#include "base/sandbox.h"
#include "state/backup_keeper.h"

#include <errno.h>
#include <sys/eventfd.h>

enum { BOOTSTRAP_CODE_BYTES = 8 };

/* While nobody has a password, whoever is at the console may make the first administrator. */
static char *bootstrap_code(struct app *app)
{
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	return directory->has_password ? NULL : secret_random_hex(BOOTSTRAP_CODE_BYTES);
}

static struct state *open_state(const struct app *app, GError **error)
{
	struct state_options options;
	state_options_init(&options, app->config);
	return state_open(app->data_dir, &options, error);
}

static struct backup_keeper *keep_backups(const struct app *app)
{
	struct backup_plan plan;
	backup_plan_init(&plan, app->config);
	return backup_keeper_new(app->state, &plan);
}

static void tell_of_the_kernel(void)
{
	g_autofree char *missing = sandbox_shortcomings();
	if (missing)
		g_warning("%s", missing);
}

static void renew_queries(void *data)
{
	struct app *app = data;
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	g_autoptr(edition) edition = publisher_edition(app->publisher);
	queries_renew(app->queries, directory, edition);
}

struct app *app_new(const char *data_dir, GError **error)
{
	tell_of_the_kernel();
	g_autoptr(app) app = g_new0(struct app, 1);
	g_mutex_init(&app->config_lock);
	app->data_dir = g_canonicalize_filename(data_dir, NULL);
	app->started = g_get_real_time();
	app->stopping = eventfd(0, EFD_CLOEXEC);
	if (app->stopping < 0) {
		agnes_set_errno(error, errno, "cannot make an eventfd");
		return NULL;
	}
	app->config = config_load(data_dir, error);
	app->state = app->config ? open_state(app, error) : NULL;
	if (!app->state)
		return NULL;
	seed_accounts(app->state);
	app->directory = directory_store_new(app->state, error);
	if (!app->directory)
		return NULL;
	g_autoptr(directory_view) directory = directory_store_get(app->directory);
	development_tell(directory);
	app->auditor = auditor_new(app->state);
	app->sign_in = sign_in_new(app, error);
	if (!app->sign_in)
		return NULL;
	app->publisher = publisher_new(data_dir, app->state, app->directory, app->config, error);
	if (!app->publisher)
		return NULL;
	app->manifests = manifests_new(data_dir);
	app->downloads = downloads_new();
	app->queries = queries_new(data_dir, app->config, error);
	if (!app->queries)
		return NULL;
	publisher_on_change(app->publisher, renew_queries, app);
	app->scan_quotas = scan_quotas_new(app->state, error);
	if (!app->scan_quotas)
		return NULL;
	app->table_facts = table_facts_new(app->state);
	app->sync_runner = sync_runner_new(app, error);
	if (!app->sync_runner)
		return NULL;
	app->cli_archives = cli_archives_new();
	app->assets = assets_new();
	app->bootstrap_code = bootstrap_code(app);
	app->health = health_new(app->state, app->directory,
				 config_text(app->config, "instance.name"));
	app->backups = keep_backups(app);
	return g_steal_pointer(&app);
}

void app_stop(struct app *app)
{
	sync_runner_stop(app->sync_runner);
	eventfd_write(app->stopping, 1);
}

void app_free(struct app *app)
{
	if (!app)
		return;
	sync_runner_free(app->sync_runner);
	backup_keeper_free(app->backups);
	publisher_free(app->publisher);
	queries_free(app->queries);
	scan_quotas_free(app->scan_quotas);
	manifests_free(app->manifests);
	downloads_free(app->downloads);
	table_facts_free(app->table_facts);
	cli_archives_free(app->cli_archives);
	assets_free(app->assets);
	traffic_free(app->traffic);
	health_free(app->health);
	sign_in_free(app->sign_in);
	auditor_free(app->auditor);
	directory_store_free(app->directory);
	state_free(app->state);
	configuration_free(app->config);
	g_mutex_clear(&app->config_lock);
	descriptor_close(&app->stopping);
	g_free((void *)app->routes);
	g_free(app->bootstrap_code);
	g_free(app->data_dir);
	g_free(app);
}

struct configuration *app_config(struct app *app)
{
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&app->config_lock);
	return configuration_ref(app->config);
}

bool app_reload_config(struct app *app, GError **error)
{
	struct configuration *fresh = config_load(app->data_dir, error);
	if (!fresh)
		return false;
	g_mutex_lock(&app->config_lock);
	struct configuration *old = app->config;
	app->config = fresh;
	g_mutex_unlock(&app->config_lock);
	configuration_free(old);
	g_autoptr(configuration) now = app_config(app);
	health_rename(app->health, config_text(now, "instance.name"));
	return true;
}

const char *const access_meanings[ACCESS_COUNT] = {
	[ACCESS_USER] = "any signed-in user",
	[ACCESS_SESSION] = "a user who signed in interactively",
	[ACCESS_ADMIN] = "a member of the group Admin",
};

static void count_request(const struct http_request *request, int status, uint64_t microseconds)
{
	traffic_count(app_of(request)->traffic, request, status, microseconds);
}

void app_describe(struct app *app, struct http_application *application)
{
	size_t count;
	app->routes = routes_collect(&count);
	app->traffic = traffic_new(app->routes, count);
	*application = (struct http_application){
		.title = "AI Data Analyst",
		.description = "Data distribution platform for AI analytical systems",
		.version = AGNES_VERSION,
		.routes = app->routes,
		.route_count = count,
		.access_meanings = access_meanings,
		.data = app,
		.admit = sign_in_admit,
		.dress = pages_dress,
		.finished = count_request,
	};
	app->application = application;
}

const struct directory_table *caller_table(const struct caller *caller, const char *name)
{
	const struct directory_table *table = directory_table(caller->directory, name);
	return table && directory_may_read(caller->directory, caller->user, table) ? table : NULL;
}
