/* /api/metrics and /api/admin/metrics: the definitions of business metrics. */
#include "state/metrics.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/routes.h"
#include "base/error.h"
#include "base/files.h"
#include "base/yaml.h"
#include "engine/metrics.h"

enum {
	LONGEST_ID = 512,
	FORM_BYTES = 64 * 1024, /* of an upload, beside its file */
};

static struct http_response *refuse_unknown(struct http_request *request, const char *id,
					    GError *error)
{
	if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		return http_refuse_error(request, error);
	g_error_free(error);
	return http_refuse(404, "Metric '%s' not found", id);
}

static struct http_response *list_metrics(struct http_request *request)
{
	GError *error = NULL;
	g_autoptr(GPtrArray) metrics = metrics_list(app_of(request)->state,
						    http_request_text(request, "category"), &error);
	if (!metrics)
		return http_refuse_error(request, error);
	return http_json(200,
			 json_pack("{so sI}", "metrics", records_to_json(&metric_type, metrics),
				   "count", (json_int_t)metrics->len));
}

static struct http_response *answer_metric(struct http_request *request, int status, const char *id)
{
	GError *error = NULL;
	g_autoptr(metric_record) metric = metrics_find(app_of(request)->state, id, &error);
	return metric ? http_json(status, record_to_json(&metric_type, metric))
		      : refuse_unknown(request, id, error);
}

static struct http_response *get_metric(struct http_request *request)
{
	return answer_metric(request, 200, http_request_text(request, "metric_id"));
}

/* --- one metric --- */

static char **strings_of(const struct http_request *request, const char *name)
{
	const json_t *list = http_request_value(request, name);
	if (!json_is_array(list))
		return NULL;
	char **strings = g_new0(char *, json_array_size(list) + 1);
	for (size_t i = 0; i < json_array_size(list); i++)
		strings[i] = g_strdup(json_string_value(json_array_get(list, i)));
	return strings;
}

static char *object_of(const struct http_request *request, const char *name)
{
	const json_t *object = http_request_value(request, name);
	return json_is_object(object) ? json_to_text(object) : NULL;
}

static struct http_response *create_metric(struct http_request *request)
{
	GError *error = NULL;
	g_auto(GStrv) tables = strings_of(request, "tables");
	g_auto(GStrv) dimensions = strings_of(request, "dimensions");
	g_auto(GStrv) filters = strings_of(request, "filters");
	g_auto(GStrv) synonyms = strings_of(request, "synonyms");
	g_auto(GStrv) notes = strings_of(request, "notes");
	g_autofree char *variants = object_of(request, "sql_variants");
	g_autofree char *validation = object_of(request, "validation");
	struct metric metric = {
		.id = http_request_text(request, "id"),
		.name = http_request_text(request, "name"),
		.display_name = http_request_text(request, "display_name"),
		.category = http_request_text(request, "category"),
		.description = http_request_text(request, "description"),
		.type = http_request_text(request, "type"),
		.unit = http_request_text(request, "unit"),
		.grain = http_request_text(request, "grain"),
		.table_name = http_request_text(request, "table_name"),
		.tables = tables,
		.expression = http_request_text(request, "expression"),
		.time_column = http_request_text(request, "time_column"),
		.dimensions = dimensions,
		.filters = filters,
		.synonyms = synonyms,
		.notes = notes,
		.sql = http_request_text(request, "sql"),
		.sql_variants = variants,
		.validation = validation,
		.source = http_request_text(request, "source"),
	};
	g_autoptr(GPtrArray) metrics = g_ptr_array_new();
	g_ptr_array_add(metrics, &metric);
	if (!metrics_save(app_of(request)->state, metrics, &error))
		return http_refuse_error(request, error);
	audit_caller(request, "metric.save", "metric", metric.id,
		     json_pack("{ss}", "name", metric.name));
	return answer_metric(request, 201, metric.id);
}

static struct http_response *delete_metric(struct http_request *request)
{
	GError *error = NULL;
	const char *id = http_request_text(request, "metric_id");
	if (!metrics_delete(app_of(request)->state, id, &error))
		return refuse_unknown(request, id, error);
	audit_caller(request, "metric.delete", "metric", id, NULL);
	return http_json(200, json_pack("{ss ss}", "status", "deleted", "id", id));
}

/* --- a file of metrics --- */

static struct http_response *refuse_yaml(struct http_request *request, GError *error)
{
	if (!g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID))
		return http_refuse_error(request, error);
	g_autoptr(GError) owned = error;
	return http_refuse(400, "Invalid YAML: %s", owned->message);
}

static bool is_empty(const json_t *value)
{
	return !value || json_is_null(value) || json_is_false(value) ||
	       (json_is_string(value) && !*json_string_value(value)) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

static bool names_itself(const json_t *entry)
{
	return !json_is_object(entry) || (!is_empty(json_object_get(entry, "name")) &&
					  !is_empty(json_object_get(entry, "category")));
}

static bool all_name_themselves(const json_t *root)
{
	size_t index;
	json_t *entry;
	json_array_foreach((json_t *)root, index, entry)
	{
		if (!names_itself(entry))
			return false;
	}
	return names_itself(root);
}

static struct http_response *save_metrics(struct http_request *request, const char *text,
					  size_t size)
{
	GError *error = NULL;
	g_autoptr(metric_pack) pack = metric_pack_parse(text, size, "file", &error);
	if (!pack)
		return refuse_yaml(request, error);
	if (!metrics_save(app_of(request)->state, pack->metrics, &error))
		return http_refuse_error(request, error);
	audit_caller(request, "metric.import", NULL, NULL,
		     json_pack("{sI}", "count", (json_int_t)pack->metrics->len));
	return http_json(200, json_pack("{ss sI}", "status", "imported", "count",
					(json_int_t)pack->metrics->len));
}

static struct http_response *import_metrics(struct http_request *request)
{
	GError *error = NULL;
	size_t size;
	const struct http_upload *upload = http_request_upload(request, "file");
	g_autofree char *text = files_read_stream(upload->fd, "the file", YAML_MAX_BYTES, &size,
						  &error);
	if (!text)
		return http_refuse_error(request, error);
	g_autoptr(yaml_document) document = yaml_parse(text, size, "file", &error);
	if (!document)
		return refuse_yaml(request, error);
	if (is_empty(document->root))
		return http_refuse(400, "Empty YAML file");
	if (!json_is_object(document->root) && !json_is_array(document->root))
		return http_json(200, json_pack("{ss si}", "status", "imported", "count", 0));
	if (!all_name_themselves(document->root))
		return http_refuse(400, "Each metric must have 'name' and 'category' fields");
	return save_metrics(request, text, size);
}

static const struct http_field list_fields[] = {
	{"category", HTTP_IN_QUERY, HTTP_STRING, .meaning = "only those of this category"}, {0}};
static const struct http_field id_fields[] = {
	{"metric_id", HTTP_IN_PATH, HTTP_STRING, .required = true, .meaning = "<category>/<name>"},
	{0},
};
static const struct http_field create_fields[] = {
	{"id", HTTP_IN_BODY, HTTP_STRING, .required = true, .least = 1, .most = LONGEST_ID,
	 .meaning = "<category>/<name>"},
	{"name", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"display_name", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"category", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"sql", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"description", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"type", HTTP_IN_BODY, HTTP_STRING, .initial = "\"sum\""},
	{"unit", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"grain", HTTP_IN_BODY, HTTP_STRING, .initial = "\"monthly\""},
	{"table_name", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"tables", HTTP_IN_BODY, HTTP_STRINGS, .nullable = true},
	{"expression", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"time_column", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"dimensions", HTTP_IN_BODY, HTTP_STRINGS, .nullable = true},
	{"filters", HTTP_IN_BODY, HTTP_STRINGS, .nullable = true},
	{"synonyms", HTTP_IN_BODY, HTTP_STRINGS, .nullable = true},
	{"notes", HTTP_IN_BODY, HTTP_STRINGS, .nullable = true},
	{"sql_variants", HTTP_IN_BODY, HTTP_OBJECT, .nullable = true,
	 .meaning = "other queries for it, by what they break it down by"},
	{"validation", HTTP_IN_BODY, HTTP_OBJECT, .nullable = true},
	{"source", HTTP_IN_BODY, HTTP_STRING, .initial = "\"manual\""},
	{0},
};
static const struct http_field import_fields[] = {
	{"file", HTTP_IN_FILE, HTTP_STRING, .required = true,
	 .meaning = "YAML: a metric, or a list of them"},
	{0},
};

static const struct http_answer found[] = {{404, "No such metric"}, {0}};
static const struct http_answer created[] = {{201, "The metric as it is stored"}, {0}};
static const struct http_answer imported[] = {
	{400, "No YAML, or a metric without name or category: then none is stored"},
	{413, "The file is too large"},
	{0},
};

const struct http_route metric_routes[] = {
	{HTTP_GET, "/api/metrics", ACCESS_USER, HTTP_BLOCKING, .fields = list_fields,
	 .tag = "metrics", .summary = "All metrics", .handle = list_metrics},
	{HTTP_GET, "/api/metrics/{metric_id...}", ACCESS_USER, HTTP_BLOCKING, .fields = id_fields,
	 .tag = "metrics", .answers = found, .summary = "One metric", .handle = get_metric},
	{HTTP_POST, "/api/admin/metrics", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = create_fields, .tag = "metrics", .answers = created,
	 .summary = "Store a metric, in place of one with the same id", .handle = create_metric},
	{HTTP_DELETE, "/api/admin/metrics/{metric_id...}", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = id_fields, .tag = "metrics", .answers = found, .summary = "Delete a metric",
	 .handle = delete_metric},
	{HTTP_POST, "/api/admin/metrics/import", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_FORM,
	 .body_limit = YAML_MAX_BYTES + FORM_BYTES, .fields = import_fields, .tag = "metrics",
	 .answers = imported, .summary = "Store metrics from a YAML file",
	 .handle = import_metrics},
	{0},
};
