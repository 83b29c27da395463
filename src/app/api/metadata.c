/* /api/admin/metadata: what people and models wrote down about columns. */
#include "app/app.h"
#include "app/audit.h"
#include "app/routes.h"
#include "state/column_metadata.h"

/* Notes are kept by the table's id; of a table that does not exist, by whatever it was called. */
static const char *key_of(const struct http_request *request)
{
	const char *name = http_request_text(request, "table_id");
	const struct directory_table *table = caller_table(caller_of(request), name);
	return table ? table->id : name;
}

static struct http_response *answer_notes(const struct http_request *request, json_t *columns)
{
	return http_json(200,
			 json_pack("{ss so}", "table_id", http_request_text(request, "table_id"),
				   "columns", columns));
}

static struct http_response *get_metadata(struct http_request *request)
{
	const struct caller *caller = caller_of(request);
	GError *error = NULL;
	/* Without the grant, a table that exists and one that does not are the same. */
	if (!caller->user->is_admin &&
	    !caller_table(caller, http_request_text(request, "table_id")))
		return answer_notes(request, json_array());
	g_autoptr(GPtrArray)
		notes = column_metadata_list(app_of(request)->state, key_of(request), &error);
	return notes ? answer_notes(request, records_to_json(&column_note_type, notes))
		     : http_refuse_error(request, error);
}

static GPtrArray *read_notes(const json_t *columns, const char *table)
{
	size_t index;
	json_t *column;
	GPtrArray *notes = g_ptr_array_new_with_free_func(g_free);
	json_array_foreach((json_t *)columns, index, column)
	{
		struct column_note *note = g_new0(struct column_note, 1);
		const char *confidence = json_string_value(json_object_get(column, "confidence"));
		note->table_id = table;
		note->column_name = json_string_value(json_object_get(column, "column_name"));
		note->basetype = json_string_value(json_object_get(column, "basetype"));
		note->description = json_string_value(json_object_get(column, "description"));
		note->confidence = confidence ? confidence : "manual";
		note->source = "manual";
		g_ptr_array_add(notes, note);
	}
	return notes;
}

static struct http_response *save_metadata(struct http_request *request)
{
	GError *error = NULL;
	const char *table = key_of(request);
	g_autoptr(GPtrArray) notes = read_notes(http_request_value(request, "columns"), table);
	if (!column_metadata_save_all(app_of(request)->state, notes, &error))
		return http_refuse_error(request, error);
	audit_caller(request, "column_metadata.save", "table", table,
		     json_pack("{sI}", "columns", (json_int_t)notes->len));
	return http_json(200,
			 json_pack("{ss sI}", "status", "ok", "count", (json_int_t)notes->len));
}

static bool is_text_or_absent(const json_t *column, const char *member, bool nullable)
{
	const json_t *value = json_object_get(column, member);
	return !value || json_is_string(value) || (nullable && json_is_null(value));
}

static char *check_columns(const json_t *value)
{
	size_t index;
	json_t *column;
	json_array_foreach((json_t *)value, index, column)
	{
		const char *name = json_string_value(json_object_get(column, "column_name"));
		if (!name || !*name)
			return g_strdup_printf("columns.%zu must have a column_name", index);
		if (!is_text_or_absent(column, "basetype", true) ||
		    !is_text_or_absent(column, "description", true) ||
		    !is_text_or_absent(column, "confidence", false))
			return g_strdup_printf("columns.%zu: basetype, description and confidence "
					       "must be texts",
					       index);
	}
	return NULL;
}

#define TABLE_ID                                                        \
	{                                                               \
		"table_id", HTTP_IN_PATH, HTTP_STRING, .required = true \
	}

static const struct http_field table_fields[] = {TABLE_ID, {0}};
static const struct http_field save_fields[] = {
	TABLE_ID,
	{"columns", HTTP_IN_BODY, HTTP_LIST, .required = true, .check = check_columns,
	 .meaning = "objects with column_name and any of basetype, description, confidence"},
	{0},
};

const struct http_route metadata_routes[] = {
	{HTTP_GET, "/api/admin/metadata/{table_id}", ACCESS_USER, HTTP_BLOCKING,
	 .fields = table_fields, .tag = "metadata",
	 .summary = "What is known of the columns of a table", .handle = get_metadata},
	{HTTP_POST, "/api/admin/metadata/{table_id}", ACCESS_ADMIN, HTTP_BLOCKING, HTTP_JSON,
	 .fields = save_fields, .tag = "metadata", .summary = "Describe columns of a table",
	 .handle = save_metadata},
	{0},
};
