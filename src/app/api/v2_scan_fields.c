/* Checking the fields of a scan. */
#include "app/api/v2_scan_fields.h"

#include <math.h>

/* One more line of the report, and how many there are. */
struct report {
	GString *lines;
	unsigned count;
};

static void complain(struct report *report, const char *field, const char *what)
{
	report->count++;
	g_string_append_printf(report->lines, "\n%s\n  %s", field, what);
}

/* Null and missing are the same. */
static const json_t *value_of(const struct http_request *request, const char *name)
{
	const json_t *value = http_request_value(request, name);
	return json_is_null(value) ? NULL : value;
}

static const char *take_text(const struct http_request *request, const char *name,
			     struct report *report)
{
	const json_t *value = value_of(request, name);
	if (value && !json_is_string(value))
		complain(report, name, "Input should be a valid string [type=string_type]");
	return json_string_value(value);
}

static const json_t *take_texts(const struct http_request *request, const char *name,
				struct report *report)
{
	const json_t *value = value_of(request, name);
	size_t i;
	json_t *item;
	if (value && !json_is_array(value))
		complain(report, name, "Input should be a valid list [type=list_type]");
	json_array_foreach((json_t *)value, i, item)
	{
		g_autofree char *place = g_strdup_printf("%s.%zu", name, i);
		if (!json_is_string(item))
			complain(report, place,
				 "Input should be a valid string [type=string_type]");
	}
	return value;
}

static int64_t take_limit(const struct http_request *request, struct report *report)
{
	const json_t *value = value_of(request, "limit");
	double number = json_number_value(value);
	if (!value)
		return -1;
	if (!json_is_number(value) || number != floor(number))
		complain(report, "limit", "Input should be a valid integer [type=int_type]");
	else if (number < 1)
		complain(report, "limit",
			 "Input should be greater than or equal to 1 [type=greater_than_equal]");
	else if (number >= (double)INT64_MAX)
		return INT64_MAX - 1;
	return json_is_integer(value) ? json_integer_value(value) : (int64_t)number;
}

char *scan_fields_take(const struct http_request *request, struct scan_fields *fields)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	struct report report = {.lines = lines};
	fields->table_id = take_text(request, "table_id", &report);
	if (!value_of(request, "table_id"))
		complain(&report, "table_id", "Field required [type=missing]");
	fields->select = take_texts(request, "select", &report);
	fields->where = take_text(request, "where", &report);
	fields->limit = take_limit(request, &report);
	fields->order_by = take_texts(request, "order_by", &report);
	if (report.count == 0)
		return NULL;
	return g_strdup_printf("%u validation error%s for ScanRequest%s", report.count,
			       report.count == 1 ? "" : "s", lines->str);
}
