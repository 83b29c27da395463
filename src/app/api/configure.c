/* /api/admin/configure: the source of the data, as the set-up page chooses it. */
#include "app/app.h"
#include "app/audit.h"
#include "app/config_change.h"
#include "app/routes.h"
#include "app/url_check.h"
#include "base/error.h"
#include "config/config.h"
#include "connectors/keboola/storage.h"

#include <string.h>

/* Below the time that a stopping server waits for requests. */
enum { VERIFY_SECONDS = 15 };

#define TOKEN_VARIABLE "KEBOOLA_STORAGE_TOKEN"
#define URL_VARIABLE   "KEBOOLA_STACK_URL"

static bool is_set(const char *text)
{
	return text && *text;
}

/* --- Keboola --- */

/* What would be saved and never be in force, because the environment says something else. */
static struct http_response *refuse_hidden(const char *name, const char *value)
{
	const char *set = g_getenv(name);
	return is_set(set) && strcmp(set, value) != 0
		       ? http_refuse(
				 409,
				 "The environment of the server sets %s, which goes before what "
				 "is saved here: change it there",
				 name)
		       : NULL;
}

/* Whether the token opens a project there. */
static struct http_response *verify_keboola(const struct app *app, const char *url,
					    const char *token, char **addresses)
{
	bool refused = false;
	g_autoptr(GError) error = NULL;
	const struct keboola_project project = {.url = url,
						.token = token,
						.addresses = (const char *const *)addresses,
						.seconds = VERIFY_SECONDS,
						.cancel = app->stopping};
	g_autoptr(keboola_storage) storage = keboola_storage_new(&project, &error);
	g_autofree char *name = storage ? keboola_storage_verify(storage, &refused, &error) : NULL;
	if (name)
		return NULL;
	return http_refuse(400, "Keboola connection failed. Check your token and URL. (%s)",
			   error->message);
}

static struct http_response *refuse_keboola(const struct http_request *request)
{
	const struct app *app = app_of(request);
	const char *token = http_request_text(request, "keboola_token");
	const char *url = http_request_text(request, "keboola_url");
	g_auto(GStrv) addresses = NULL;
	if (!is_set(token) || !is_set(url))
		return http_refuse(400, "keboola_token and keboola_url are required for Keboola "
					"data source");
	g_autoptr(configuration) config = app_config(app_of(request));
	struct http_response *refusal = url_check_refuse(config, "keboola_url", url, &addresses);
	if (!refusal)
		refusal = verify_keboola(app, url, token, addresses);
	if (!refusal)
		refusal = refuse_hidden(TOKEN_VARIABLE, token);
	return refusal ? refusal : refuse_hidden(URL_VARIABLE, url);
}

/* --- any source --- */

static struct http_response *refuse_source(const struct http_request *request, const char *source)
{
	if (strcmp(source, "local") == 0)
		return NULL;
	if (strcmp(source, "keboola") == 0)
		return refuse_keboola(request);
	if (strcmp(source, "bigquery") != 0)
		return http_refuse(400, "data_source must be 'keboola', 'bigquery', or 'local'");
	return is_set(http_request_text(request, "bigquery_project"))
		       ? NULL
		       : http_refuse(400, "bigquery_project is required for BigQuery data source");
}

static json_t *source_settings(const struct http_request *request, const char *source)
{
	const char *location = http_request_text(request, "bigquery_location");
	json_t *settings = json_pack("{ss}", "type", source);
	if (strcmp(source, "bigquery") == 0)
		json_object_set_new(settings, "bigquery",
				    json_pack("{ss ss}", "project",
					      http_request_text(request, "bigquery_project"),
					      "location", is_set(location) ? location : "us"));
	if (strcmp(source, "keboola") == 0)
		json_object_set_new(settings, "keboola",
				    json_pack("{ss ss}", "stack_url",
					      http_request_text(request, "keboola_url"),
					      "token_env", TOKEN_VARIABLE));
	return settings;
}

static json_t *patch_of(const struct http_request *request, const char *source)
{
	const char *name = http_request_text(request, "instance_name");
	const char *domain = http_request_text(request, "allowed_domain");
	json_t *patch = json_pack("{so}", "data_source", source_settings(request, source));
	if (is_set(name))
		json_object_set_new(patch, "instance", json_pack("{ss}", "name", name));
	if (is_set(domain))
		json_object_set_new(patch, "auth", json_pack("{ss}", "allowed_domain", domain));
	return patch;
}

/* Beside the configuration, where no answer and no backup of it shows them. NULL: there are none.
 */
static json_t *variables_of(const struct http_request *request, const char *source)
{
	return strcmp(source, "keboola") == 0
		       ? json_pack("{ss ss}", URL_VARIABLE,
				   http_request_text(request, "keboola_url"), TOKEN_VARIABLE,
				   http_request_text(request, "keboola_token"))
		       : NULL;
}

static const char *connection_to(const char *source)
{
	if (strcmp(source, "local") == 0)
		return "local";
	return strcmp(source, "keboola") == 0 ? "verified" : "not tested";
}

static struct http_response *configure(struct http_request *request)
{
	GError *error = NULL;
	json_t *rows;
	const char *source = http_request_text(request, "data_source");
	struct http_response *refusal = refuse_source(request, source);
	if (refusal)
		return refusal;
	g_autoptr(json_t) patch = patch_of(request, source);
	g_autoptr(json_t) variables = variables_of(request, source);
	if (!config_change_save(app_of(request), patch, variables, &rows, &error))
		return config_change_refuse(request, error);
	audit_caller(request, "instance_config.configure", NULL, "instance.yaml",
		     json_pack("{ss so ss*}", "data_source", source, "diff", rows, "keboola_token",
			       variables ? "***" : NULL));
	return http_json(200, json_pack("{ss ss ss}", "status", "ok", "data_source", source,
					"connection", connection_to(source)));
}

static const struct http_field fields[] = {
	{"data_source", HTTP_IN_BODY, HTTP_STRING, .required = true,
	 .meaning = "keboola, bigquery or local"},
	{"keboola_token", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"keboola_url", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"bigquery_project", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"bigquery_location", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"instance_name", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"allowed_domain", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{0},
};
static const struct http_answer answers[] = {
	{400, "A value that cannot be, or no connection to the source"},
	{409, "The environment of the server says something else"},
	{500, "The file on disk is corrupt"},
	{0}};

const struct http_route configure_routes[] = {
	{HTTP_POST, "/api/admin/configure", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = fields, .tag = "admin", .answers = answers,
	 .summary = "Choose the source of the data", .handle = configure},
	{0},
};
