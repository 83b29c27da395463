/* /api/admin/metadata/{table_id}/push: notes about columns, written to the source of the table. */
#include "app/app.h"
#include "app/audit.h"
#include "app/keboola.h"
#include "app/routes.h"
#include "base/error.h"
#include "connectors/keboola/storage.h"
#include "state/column_metadata.h"

#include <string.h>

enum {
	CALL_SECONDS = 30,
	PUSH_SECONDS = 600, /* for all columns of a table */
	MOST_COLUMNS = 5000,
	MOST_FAILURES = 3,     /* in a row, of the connection itself: then the stack is away */
	LONGEST_FAILURE = 240, /* characters that are told of one */
};

/* What came of it so far. */
struct push {
	struct keboola_storage *storage;
	const char *table_id; /* as the project calls it */
	json_t *errors;
	int64_t pushed;
	int failures; /* in a row */
	bool stopping;
	gint64 deadline;
};

static const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static void add_error(struct push *push, const char *column, const char *message)
{
	const char *end = g_utf8_strlen(message, -1) > LONGEST_FAILURE
				  ? g_utf8_offset_to_pointer(message, LONGEST_FAILURE)
				  : message + strlen(message);
	g_autofree char *line = g_strdup_printf("%s: %.*s", column, (int)(end - message), message);
	json_array_append_new(push->errors, json_string(line));
}

/* Why the columns that are left are not tried, if so. */
static const char *reason_to_end(const struct push *push)
{
	if (push->stopping)
		return "not sent, because the server is stopping";
	if (push->failures >= MOST_FAILURES)
		return "not sent, because Keboola does not answer";
	return g_get_monotonic_time() > push->deadline ? "not sent, because it takes too long"
						       : NULL;
}

/* Whether the stack answered, if only to refuse: that is about this column alone. */
static bool is_answer(const GError *error)
{
	return g_error_matches(error, AGNES_ERROR, AGNES_ERROR_FAILED) ||
	       g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID);
}

static void push_column(struct push *push, const struct column_note *row)
{
	const struct keboola_note note = {.column = row->column_name,
					  .basetype = text_or_null(row->basetype),
					  .description = text_or_null(row->description)};
	g_autoptr(GError) error = NULL;
	if (!note.basetype && !note.description)
		return;
	const char *ended = reason_to_end(push);
	if (ended) {
		add_error(push, row->column_name, ended);
	} else if (keboola_storage_write_note(push->storage, push->table_id, &note, &error)) {
		push->pushed++;
		push->failures = 0;
	} else {
		add_error(push, row->column_name, error->message);
		push->failures = is_answer(error) ? 0 : push->failures + 1;
		push->stopping = g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CANCELLED);
	}
}

static struct http_response *push_notes(struct http_request *request,
					const struct keboola_project *project,
					const struct registered_table *table,
					const GPtrArray *notes)
{
	GError *error = NULL;
	g_autoptr(keboola_storage) storage = keboola_storage_new(project, &error);
	if (!storage) {
		g_autoptr(GError) owned = error;
		return http_refuse(500, "%s", owned->message);
	}
	g_autofree char *id = keboola_table_id(table->bucket, table->source_table,
					       table->description, table->id);
	struct push push = {.storage = storage,
			    .table_id = id,
			    .errors = json_array(),
			    .deadline = g_get_monotonic_time() + PUSH_SECONDS * G_USEC_PER_SEC};
	for (guint i = 0; i < notes->len; i++)
		push_column(&push, notes->pdata[i]);
	json_int_t failed = (json_int_t)json_array_size(push.errors);
	audit_caller(request, "column_metadata.push", "table", table->id,
		     json_pack("{sI sI}", "pushed", (json_int_t)push.pushed, "failed", failed));
	json_t *answer = json_pack("{ss sI}", "status", "ok", "pushed", (json_int_t)push.pushed);
	if (failed > 0)
		json_object_set(answer, "errors", push.errors);
	json_decref(push.errors);
	return http_json(200, answer);
}

static struct http_response *refuse_table(const struct directory_table *table, const char *name)
{
	const struct registered_table *row = table ? table->registered : NULL;
	if (!row)
		return http_refuse(404, "Table not found: %s", name);
	if (g_strcmp0(row->source_type, "keboola") == 0)
		return NULL;
	return http_refuse(400,
			   "Push is only supported for keboola tables (table source_type='%s')",
			   row->source_type ? row->source_type : "");
}

static struct http_response *push_metadata(struct http_request *request)
{
	GError *error = NULL;
	struct app *app = app_of(request);
	const char *name = http_request_text(request, "table_id");
	const struct directory_table *table = caller_table(caller_of(request), name);
	struct http_response *refusal = refuse_table(table, name);
	if (refusal)
		return refusal;
	g_autoptr(configuration) config = app_config(app);
	const struct keboola_settings settings = keboola_settings_of_notes(config);
	if (!settings.url || !settings.token)
		return http_refuse(500, "KBC_STACK_URL and KBC_STORAGE_TOKEN must be set, or "
					"KEBOOLA_STACK_URL and KEBOOLA_STORAGE_TOKEN");
	g_autoptr(GPtrArray) notes = column_metadata_list(app->state, table->id, &error);
	if (!notes)
		return http_refuse_error(request, error);
	if (notes->len == 0)
		return http_json(200, json_pack("{ss si ss}", "status", "ok", "pushed", 0,
						"message", "No column metadata to push"));
	if (notes->len > MOST_COLUMNS)
		return http_refuse(400, "Notes about %u columns are too many to push: at most %d",
				   notes->len, MOST_COLUMNS);
	const struct keboola_project project = {.url = settings.url,
						.token = settings.token,
						.seconds = CALL_SECONDS,
						.cancel = app->stopping};
	return push_notes(request, &project, table->registered, notes);
}

static const struct http_field fields[] = {
	{"table_id", HTTP_IN_PATH, HTTP_STRING, .required = true},
	{0},
};
static const struct http_answer answers[] = {{400, "The source of the table takes no notes"},
					     {404, "No such table"},
					     {500, "The source is not configured"},
					     {0}};

const struct http_route metadata_push_routes[] = {
	{HTTP_POST, "/api/admin/metadata/{table_id}/push", ACCESS_ADMIN, HTTP_BLOCKING,
	 .fields = fields, .tag = "metadata", .answers = answers,
	 .summary = "Write what is known of the columns to the source of the table",
	 .handle = push_metadata},
	{0},
};
