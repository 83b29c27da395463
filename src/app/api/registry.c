/* /api/admin/registry and its neighbours: which tables the instance knows. */
#include "state/registry.h"
#include "app/app.h"
#include "app/audit.h"
#include "app/publisher.h"
#include "app/routes.h"
#include "app/table_rules.h"
#include "app/wire.h"
#include "base/error.h"
#include "base/order.h"

#include <string.h>

/* --- listing --- */

static json_t *describe_key(const char *stored)
{
	g_auto(GStrv) columns = registry_decode_key(stored);
	if (!columns || !columns[0])
		return json_null();
	json_t *list = json_array();
	for (char **at = columns; *at; at++)
		json_array_append_new(list, json_string(*at));
	return list;
}

static json_t *describe_error(const struct sync_state *synced)
{
	bool failed = synced && g_strcmp0(synced->status, "error") == 0 && synced->error &&
		      *synced->error;
	return wire_text(failed ? synced->error : NULL);
}

static struct http_response *list_registry(struct http_request *request)
{
	const struct directory *directory = caller_of(request)->directory;
	json_t *list = json_array();
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct directory_table *table = directory->tables[i];
		if (!table->registered)
			continue;
		json_t *row = record_to_json(&registered_table_type, table->registered);
		json_object_set_new(row, "primary_key",
				    describe_key(table->registered->primary_key));
		json_object_set_new(row, "last_sync_error", describe_error(table->synced));
		json_array_append_new(list, row);
	}
	return http_json(200, json_pack("{so sI}", "tables", list, "count",
					(json_int_t)json_array_size(list)));
}

/* --- from a body to a row --- */

/* A row that is being put together, and the texts that it points at. */
struct draft {
	struct registered_table table;
	char *id, *name, *query, *key;
};

static void draft_clear(struct draft *draft)
{
	g_free(draft->id);
	g_free(draft->name);
	g_free(draft->query);
	g_free(draft->key);
}
DEFINE_AUTO(draft)

/* A list of columns, or one column as a text: either is stored as a JSON array. */
static char *encode_key(const json_t *value)
{
	g_autoptr(GStrvBuilder) columns = g_strv_builder_new();
	size_t index;
	json_t *column;
	if (json_is_string(value))
		g_strv_builder_add(columns, json_string_value(value));
	json_array_foreach(value, index, column)
		g_strv_builder_add(columns, json_string_value(column));
	g_auto(GStrv) list = g_strv_builder_end(columns);
	return registry_encode_key(list);
}

static char *trimmed_or_null(const char *text)
{
	g_autofree char *trimmed = text ? g_strstrip(g_strdup(text)) : NULL;
	return trimmed && *trimmed ? g_steal_pointer(&trimmed) : NULL;
}

static void fill_draft(struct draft *draft, const struct http_request *request)
{
	draft->name = g_strstrip(g_strdup(http_request_text(request, "name")));
	draft->id = registry_id_of_name(draft->name);
	draft->query = trimmed_or_null(http_request_text(request, "source_query"));
	draft->key = encode_key(http_request_value(request, "primary_key"));
	draft->table = (struct registered_table){
		.id = draft->id,
		.name = draft->name,
		.source_type = http_request_text(request, "source_type"),
		.bucket = http_request_text(request, "bucket"),
		.source_table = http_request_text(request, "source_table"),
		.source_query = draft->query,
		.sync_strategy = http_request_text(request, "sync_strategy"),
		.query_mode = http_request_text(request, "query_mode"),
		.sync_schedule = http_request_text(request, "sync_schedule"),
		.profile_after_sync = RECORD_TRUE,
		.primary_key = draft->key,
		.folder = http_request_text(request, "folder"),
		.description = http_request_text(request, "description"),
		.registered_by = caller_of(request)->user->row->email,
		.registered_at = DUCK_NO_TIME,
	};
}

/* Rules of fields, then of the body: they are told before anything else is looked at. */
static struct http_response *refuse_body(const struct configuration *config,
					 const struct draft *draft)
{
	struct http_response *refusal = table_rules_refuse_source(draft->table.source_type, config);
	if (refusal)
		return refusal;
	const char *wrong = table_rules_query(draft->table.query_mode, draft->query);
	if (wrong)
		return http_invalid(NULL, "%s", wrong);
	return *draft->name ? NULL : http_refuse(422, "Table name cannot be empty");
}

/* --- registering --- */

static struct http_response *refuse_taken(const struct http_request *request,
					  const struct registered_table *table)
{
	const struct directory *directory = caller_of(request)->directory;
	for (size_t i = 0; i < directory->table_count; i++) {
		const struct registered_table *other = directory->tables[i]->registered;
		if (!other)
			continue;
		if (strcmp(other->id, table->id) == 0)
			return http_refuse(409, "Table '%s' already registered", table->id);
		if (g_ascii_strcasecmp(other->name, table->name) == 0)
			return http_refuse(409, "View name '%s' is already in use by table id '%s'",
					   table->name, other->id);
	}
	return NULL;
}

static bool is_bigquery(const struct registered_table *table)
{
	return g_strcmp0(table->source_type, "bigquery") == 0;
}

static struct http_response *answer_registered(const struct registered_table *table)
{
	if (!is_bigquery(table))
		return http_json(201, json_pack("{ss ss ss}", "id", table->id, "name", table->name,
						"status", "registered"));
	if (strcmp(table->query_mode, "materialized") == 0)
		return http_json(201,
				 json_pack("{ss ss ss ss ss}", "id", table->id, "name", table->name,
					   "status", "registered", "view_name", table->id,
					   "message", "Materialized at the next sync that is due"));
	return http_json(202, json_pack("{ss ss ss ss ss}", "id", table->id, "name", table->name,
					"status", "accepted", "view_name", table->id, "message",
					"The view is there once the source was synced"));
}

static struct http_response *register_table(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_auto(draft) draft = {0};
	fill_draft(&draft, request);
	g_autoptr(configuration) config = app_config(app);
	struct http_response *refusal = refuse_body(config, &draft);
	if (!refusal)
		refusal = refuse_taken(request, &draft.table);
	if (!refusal)
		refusal = table_rules_refuse(&draft.table, config);
	if (refusal)
		return refusal;
	if (!registry_register(app->state, &draft.table, &error) ||
	    !directory_reload_tables(app->directory, &error))
		return http_refuse_error(request, error);
	json_t *params = json_deep_copy(request->fields);
	json_object_set_new(params, "query_mode", json_string(draft.table.query_mode));
	audit_caller(request, "register_table", NULL, draft.id, params);
	publisher_wake(app->publisher);
	return answer_registered(&draft.table);
}

static struct http_response *precheck_table(struct http_request *request)
{
	g_auto(draft) draft = {0};
	fill_draft(&draft, request);
	g_autoptr(configuration) config = app_config(app_of(request));
	struct http_response *refusal = refuse_body(config, &draft);
	const struct registered_table *table = &draft.table;
	if (!refusal && is_bigquery(table))
		refusal = table_rules_refuse(&draft.table, config);
	if (refusal)
		return refusal;
	bool query = is_bigquery(table) && strcmp(table->query_mode, "materialized") == 0;
	json_t *described = json_pack("{ss so}", "name", table->name, "source_type",
				      wire_text(table->source_type));
	if (query) {
		json_object_set_new(described, "query_mode", json_string(table->query_mode));
		json_object_set_new(described, "source_query", wire_text(table->source_query));
	} else {
		json_object_set_new(described, "bucket", wire_text(table->bucket));
		json_object_set_new(described, "source_table", wire_text(table->source_table));
	}
	json_object_update_new(described,
			       json_pack("{sn sn s[] ss}", "rows", "size_bytes", "columns", "note",
					 "validation-only: the source was not asked"));
	return http_json(200, json_pack("{sb so}", "ok", true, "table", described));
}

/* --- updating --- */

/* Fields of a PUT in the order of the answer, and where they stand in the row. */
static const struct {
	const char *name;
	size_t offset;
} update_columns[] = {
	{"name", offsetof(struct registered_table, name)},
	{"sync_strategy", offsetof(struct registered_table, sync_strategy)},
	{"description", offsetof(struct registered_table, description)},
	{"source_type", offsetof(struct registered_table, source_type)},
	{"bucket", offsetof(struct registered_table, bucket)},
	{"source_table", offsetof(struct registered_table, source_table)},
	{"query_mode", offsetof(struct registered_table, query_mode)},
	{"sync_schedule", offsetof(struct registered_table, sync_schedule)},
};

static const char *const answer_order[] = {"name",	    "sync_strategy",	 "primary_key",
					   "description",   "source_type",	 "bucket",
					   "source_table",  "source_query",	 "query_mode",
					   "sync_schedule", "profile_after_sync"};

/* Lays what was given over the stored row; NULL members leave it. */
static void overlay(struct draft *draft, const struct http_request *request)
{
	for (size_t i = 0; i < G_N_ELEMENTS(update_columns); i++) {
		const char *value = http_request_text(request, update_columns[i].name);
		const char **slot = (const char **)((char *)&draft->table +
						    update_columns[i].offset);
		if (value)
			*slot = value;
	}
	const json_t *key = http_request_value(request, "primary_key");
	const json_t *profile = http_request_value(request, "profile_after_sync");
	if (!json_is_null(key))
		draft->table.primary_key = draft->key = encode_key(key);
	if (http_request_text(request, "source_query"))
		draft->table.source_query = draft->query = trimmed_or_null(
			http_request_text(request, "source_query"));
	if (!json_is_null(profile))
		draft->table.profile_after_sync = json_is_true(profile) ? RECORD_TRUE
									: RECORD_FALSE;
	if (g_strcmp0(draft->table.query_mode, "materialized") != 0)
		draft->table.source_query = NULL;
}

/* The rules about the two fields as far as the body alone shows that they are broken. */
static struct http_response *refuse_update_body(const struct http_request *request)
{
	const char *mode = http_request_text(request, "query_mode");
	const char *given = http_request_text(request, "source_query");
	g_autofree char *query = trimmed_or_null(given);
	const char *wrong = NULL;
	if (query)
		wrong = table_rules_query_fits(mode, query);
	else if (given && g_strcmp0(mode, "materialized") == 0)
		wrong = table_rules_query_fits(mode, NULL);
	return wrong ? http_invalid(NULL, "%s", wrong) : NULL;
}

static struct http_response *refuse_merged(const struct http_request *request, struct draft *draft)
{
	const char *wrong = table_rules_query(draft->table.query_mode, draft->table.source_query);
	if (wrong)
		return http_refuse(422, "%s", wrong);
	if (draft->table.sync_schedule) {
		g_autoptr(json_t) schedule = json_string(draft->table.sync_schedule);
		g_autofree char *problem = table_rules_schedule(schedule);
		if (problem)
			return http_refuse(422, "%s", problem);
	}
	g_autoptr(configuration) config = app_config(app_of(request));
	return table_rules_refuse(&draft->table, config);
}

static json_t *given_fields(const struct http_request *request)
{
	json_t *given = json_array();
	for (size_t i = 0; i < G_N_ELEMENTS(answer_order); i++) {
		if (!json_is_null(http_request_value(request, answer_order[i])))
			json_array_append_new(given, json_string(answer_order[i]));
	}
	return given;
}

static struct http_response *save_update(struct http_request *request,
					 const struct registered_table *stored)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	g_auto(draft) draft = {.table = *stored};
	overlay(&draft, request);
	struct http_response *refusal = refuse_merged(request, &draft);
	if (refusal)
		return refusal;
	if (registry_save(app->state, &draft.table, &error) &&
	    directory_reload_tables(app->directory, &error))
		return NULL;
	return http_refuse_error(request, error);
}

/* The values that were given, and their names in order. */
static json_t *update_params(const struct http_request *request, const json_t *given)
{
	json_t *params = json_object(), *names = json_array();
	g_autoptr(GPtrArray) sorted = g_ptr_array_new();
	size_t index;
	json_t *name;
	json_array_foreach((json_t *)given, index, name)
		g_ptr_array_add(sorted, (gpointer)json_string_value(name));
	g_ptr_array_sort(sorted, order_texts);
	for (guint i = 0; i < sorted->len; i++) {
		json_array_append_new(names, json_string(sorted->pdata[i]));
		json_object_set(params, sorted->pdata[i],
				http_request_value(request, sorted->pdata[i]));
	}
	json_object_set_new(params, "updated_fields", names);
	return params;
}

/*
 * A change lays what was given over the row as it is: it must not meet another change, which would
 * be lost, nor a removal, which it would undo.
 */
static GMutex one_change_at_a_time;

static struct http_response *update_table(struct http_request *request)
{
	const char *id = http_request_text(request, "table_id");
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&one_change_at_a_time);
	g_autoptr(directory_view) now = directory_store_get(app_of(request)->directory);
	const struct directory_table *table = directory_table(now, id);
	if (!table || !table->registered || strcmp(table->id, id) != 0)
		return http_refuse(404, "Table not found");
	struct http_response *refusal = refuse_update_body(request);
	if (refusal)
		return refusal;
	json_t *given = given_fields(request);
	if (json_array_size(given) > 0)
		refusal = save_update(request, table->registered);
	if (refusal) {
		json_decref(given);
		return refusal;
	}
	audit_caller(request, "update_table", NULL, id, update_params(request, given));
	publisher_wake(app_of(request)->publisher);
	return http_json(200, json_pack("{ss so}", "id", id, "updated", given));
}

/* --- unregistering --- */

static struct http_response *delete_table(struct http_request *request)
{
	struct app *app = app_of(request);
	GError *error = NULL;
	const char *id = http_request_text(request, "table_id");
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&one_change_at_a_time);
	g_autoptr(registered_table_record) row = registry_find(app->state, id, &error);
	if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND)) {
		g_error_free(error);
		return http_refuse(404, "Table not found");
	}
	if (!row || !registry_delete(app->state, id, &error) ||
	    !directory_reload_all(app->directory, &error))
		return http_refuse_error(request, error);
	audit_caller(request, "unregister_table", NULL, id,
		     json_pack("{ss so so so}", "name", row->name, "source_type",
			       wire_text(row->source_type), "bucket", wire_text(row->bucket),
			       "source_table", wire_text(row->source_table)));
	publisher_wake(app->publisher);
	return http_empty(204);
}

/* --- the routes --- */

#define TABLE_ID                                                        \
	{                                                               \
		"table_id", HTTP_IN_PATH, HTTP_STRING, .required = true \
	}
/* What both bodies have; in a PUT everything may be left out. */
#define COMMON_FIELDS                                                                   \
	{"description", HTTP_IN_BODY, HTTP_STRING, .nullable = true},                   \
		{"bucket", HTTP_IN_BODY, HTTP_STRING, .nullable = true},                \
		{"source_table", HTTP_IN_BODY, HTTP_STRING, .nullable = true},          \
		{"source_query", HTTP_IN_BODY, HTTP_STRING, .nullable = true,           \
		 .meaning = "the SQL of a materialized table"},                         \
		{"primary_key",	   HTTP_IN_BODY,       HTTP_ANY,                        \
		 .nullable = true, .check = check_key, .meaning = "columns"},           \
	{                                                                               \
		"sync_schedule", HTTP_IN_BODY, HTTP_STRING,                             \
			.nullable = true, .check = table_rules_schedule,                \
			.meaning = "'every Nm', 'every Nh' or 'daily HH:MM[,HH:MM...]'" \
	}

static char *check_key(const json_t *value)
{
	size_t index;
	json_t *column;
	bool fine = json_is_string(value) || json_is_array(value);
	json_array_foreach(value, index, column) fine &= json_is_string(column);
	return fine ? NULL : g_strdup("primary_key must be a list of columns");
}

static const struct http_field register_fields[] = {
	{"name", HTTP_IN_BODY, HTTP_STRING, .required = true},
	{"folder", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"sync_strategy", HTTP_IN_BODY, HTTP_STRING, .initial = "\"full_refresh\""},
	{"source_type", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"query_mode", HTTP_IN_BODY, HTTP_STRING, .initial = "\"local\"",
	 .check = table_rules_query_mode},
	{"profile_after_sync", HTTP_IN_BODY, HTTP_BOOLEAN, .initial = "true",
	 .meaning = "no longer used"},
	COMMON_FIELDS,
	{0},
};
static const struct http_field update_fields[] = {
	TABLE_ID,
	{"name", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"sync_strategy", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"source_type", HTTP_IN_BODY, HTTP_STRING, .nullable = true},
	{"query_mode", HTTP_IN_BODY, HTTP_STRING, .nullable = true,
	 .check = table_rules_query_mode},
	{"profile_after_sync", HTTP_IN_BODY, HTTP_BOOLEAN, .nullable = true},
	COMMON_FIELDS,
	{0},
};
static const struct http_field id_fields[] = {TABLE_ID, {0}};

static const struct http_answer registered[] = {{201, "Registered"},
						{202, "Registered; its view follows"},
						{400, "A name that cannot be used"},
						{409, "The id or name is taken"},
						{0}};
static const struct http_answer updated[] = {{400, "A name that cannot be used"},
					     {404, "No such table"},
					     {409, "The name is taken"},
					     {0}};
static const struct http_answer emptied[] = {{204, "Done"}, {404, "No such table"}, {0}};

const struct http_route registry_routes[] = {
	{HTTP_GET, "/api/admin/registry", ACCESS_ADMIN, .tag = "registry",
	 .summary = "All registered tables", .handle = list_registry},
	{HTTP_POST, "/api/admin/register-table", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = register_fields, .tag = "registry", .answers = registered,
	 .summary = "Register a table", .handle = register_table},
	{HTTP_POST, "/api/admin/register-table/precheck", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = register_fields, .tag = "registry", .answers = updated,
	 .summary = "Whether a table could be registered", .handle = precheck_table},
	{HTTP_PUT, "/api/admin/registry/{table_id}", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = update_fields, .tag = "registry", .answers = updated,
	 .summary = "Change a registered table", .handle = update_table},
	{HTTP_DELETE, "/api/admin/registry/{table_id}", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = id_fields, .tag = "registry", .answers = emptied,
	 .summary = "Unregister a table", .handle = delete_table},
	{0},
};
