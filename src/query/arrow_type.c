/* The formats of the C data interface, as a table. */
#include "query/arrow_type.h"

#include "base/error.h"

#include <string.h>

enum { DECIMAL_BITS = 128, MOST_UNION_TYPES = 127 };

/* Units of time, as in the metadata. */
enum { SECOND, MILLISECOND, MICROSECOND, NANOSECOND };
enum { MONTH_DAY_NANO = 2 };

static const struct {
	const char *format; /* all of it, or its beginning when it ends in ':' */
	struct arrow_type type;
} formats[] = {
	{"n", {ARROW_TABLE_NULL, ARROW_NULL, 0, {0}, NULL}},
	{"b", {ARROW_TABLE_BOOL, ARROW_FIXED, 1, {0}, NULL}},
	{"c", {ARROW_TABLE_INT, ARROW_FIXED, 8, {8, 1}, NULL}},
	{"C", {ARROW_TABLE_INT, ARROW_FIXED, 8, {8, 0}, NULL}},
	{"s", {ARROW_TABLE_INT, ARROW_FIXED, 16, {16, 1}, NULL}},
	{"S", {ARROW_TABLE_INT, ARROW_FIXED, 16, {16, 0}, NULL}},
	{"i", {ARROW_TABLE_INT, ARROW_FIXED, 32, {32, 1}, NULL}},
	{"I", {ARROW_TABLE_INT, ARROW_FIXED, 32, {32, 0}, NULL}},
	{"l", {ARROW_TABLE_INT, ARROW_FIXED, 64, {64, 1}, NULL}},
	{"L", {ARROW_TABLE_INT, ARROW_FIXED, 64, {64, 0}, NULL}},
	{"f", {ARROW_TABLE_FLOAT, ARROW_FIXED, 32, {1}, NULL}},
	{"g", {ARROW_TABLE_FLOAT, ARROW_FIXED, 64, {2}, NULL}},
	{"z", {ARROW_TABLE_BINARY, ARROW_BYTES, 0, {0}, NULL}},
	{"Z", {ARROW_TABLE_LARGE_BINARY, ARROW_BYTES_64, 0, {0}, NULL}},
	{"u", {ARROW_TABLE_UTF8, ARROW_BYTES, 0, {0}, NULL}},
	{"U", {ARROW_TABLE_LARGE_UTF8, ARROW_BYTES_64, 0, {0}, NULL}},
	{"tdD", {ARROW_TABLE_DATE, ARROW_FIXED, 32, {0}, NULL}},
	{"tts", {ARROW_TABLE_TIME, ARROW_FIXED, 32, {SECOND, 32}, NULL}},
	{"ttm", {ARROW_TABLE_TIME, ARROW_FIXED, 32, {MILLISECOND, 32}, NULL}},
	{"ttu", {ARROW_TABLE_TIME, ARROW_FIXED, 64, {MICROSECOND, 64}, NULL}},
	{"ttn", {ARROW_TABLE_TIME, ARROW_FIXED, 64, {NANOSECOND, 64}, NULL}},
	{"tss:", {ARROW_TABLE_TIMESTAMP, ARROW_FIXED, 64, {SECOND}, NULL}},
	{"tsm:", {ARROW_TABLE_TIMESTAMP, ARROW_FIXED, 64, {MILLISECOND}, NULL}},
	{"tsu:", {ARROW_TABLE_TIMESTAMP, ARROW_FIXED, 64, {MICROSECOND}, NULL}},
	{"tsn:", {ARROW_TABLE_TIMESTAMP, ARROW_FIXED, 64, {NANOSECOND}, NULL}},
	{"tDu", {ARROW_TABLE_DURATION, ARROW_FIXED, 64, {MICROSECOND}, NULL}},
	{"tin", {ARROW_TABLE_INTERVAL, ARROW_FIXED, 128, {MONTH_DAY_NANO}, NULL}},
	{"d:", {ARROW_TABLE_DECIMAL, ARROW_FIXED, DECIMAL_BITS, {0}, NULL}},
	{"w:", {ARROW_TABLE_FIXED_BINARY, ARROW_FIXED, 0, {0}, NULL}},
	{"+l", {ARROW_TABLE_LIST, ARROW_LIST, 0, {0}, NULL}},
	{"+L", {ARROW_TABLE_LARGE_LIST, ARROW_LIST_64, 0, {0}, NULL}},
	{"+w:", {ARROW_TABLE_FIXED_LIST, ARROW_CHILDREN, 0, {0}, NULL}},
	{"+s", {ARROW_TABLE_STRUCT, ARROW_CHILDREN, 0, {0}, NULL}},
	{"+m", {ARROW_TABLE_MAP, ARROW_LIST, 0, {0}, NULL}},
	{"+us:", {ARROW_TABLE_UNION, ARROW_UNION, 0, {0}, NULL}},
};

static bool unsupported(const char *format, GError **error)
{
	g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
		    "a column of the type '%s' cannot be written as Arrow; cast it", format);
	return false;
}

/* Numbers between commas, at most three; how many there are. */
static unsigned parse_numbers(const char *list, int numbers[3])
{
	unsigned count = 0;
	while (list && count < 3) {
		numbers[count++] = (int)g_ascii_strtoll(list, NULL, 10);
		list = strchr(list, ',');
		list = list ? list + 1 : NULL;
	}
	return count;
}

/* What stands after the colon. */
static bool parse_parameters(const char *parameters, struct arrow_type *type)
{
	int *numbers = type->numbers;
	switch (type->table) {
	case ARROW_TABLE_DECIMAL:
		/* The third is the width, where it is not 128. */
		if (parse_numbers(parameters, numbers) < 3)
			numbers[2] = DECIMAL_BITS;
		type->bits = (unsigned)numbers[2];
		return true;
	case ARROW_TABLE_FIXED_BINARY:
		parse_numbers(parameters, numbers);
		type->bits = 8 * (unsigned)numbers[0];
		return numbers[0] > 0;
	case ARROW_TABLE_FIXED_LIST:
		parse_numbers(parameters, numbers);
		return numbers[0] > 0;
	default:
		type->rest = parameters;
		return true;
	}
}

bool arrow_type_parse(const char *format, struct arrow_type *type, GError **error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		const char *name = formats[i].format;
		size_t length = strlen(name);
		bool has_parameters = name[length - 1] == ':';
		if (has_parameters ? strncmp(format, name, length) != 0 : strcmp(format, name) != 0)
			continue;
		*type = formats[i].type;
		if (has_parameters && !parse_parameters(format + length, type))
			return unsupported(format, error);
		return true;
	}
	return unsupported(format, error);
}

/* Which numbers of a type go to which slots, and how wide they are there. */
static const struct {
	unsigned count;
	size_t widths[3];
} shapes[] = {
	[ARROW_TABLE_INT] = {2, {4, 1}},	[ARROW_TABLE_FLOAT] = {1, {2}},
	[ARROW_TABLE_DECIMAL] = {3, {4, 4, 4}}, [ARROW_TABLE_DATE] = {1, {2}},
	[ARROW_TABLE_TIME] = {2, {2, 4}},	[ARROW_TABLE_TIMESTAMP] = {1, {2}},
	[ARROW_TABLE_INTERVAL] = {1, {2}},	[ARROW_TABLE_FIXED_BINARY] = {1, {4}},
	[ARROW_TABLE_FIXED_LIST] = {1, {4}},	[ARROW_TABLE_DURATION] = {1, {2}},
	[ARROW_TABLE_UNION] = {1, {2}},		[ARROW_TABLE_LARGE_LIST] = {0, {0}},
};

/* The type ids of a union: a list of numbers in its format. */
static flat_ref write_type_ids(const char *list, struct flatbuffer *buffer)
{
	int32_t ids[MOST_UNION_TYPES];
	size_t count = 0;
	for (const char *at = list; at && *at && count < MOST_UNION_TYPES; count++) {
		ids[count] = (int32_t)g_ascii_strtoll(at, NULL, 10);
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return flat_vector(buffer, ids, count, sizeof *ids, sizeof *ids);
}

flat_ref arrow_type_write(const struct arrow_type *type, struct flatbuffer *buffer)
{
	flat_ref more = 0;
	if (type->table == ARROW_TABLE_UNION)
		more = write_type_ids(type->rest, buffer);
	else if (type->rest && *type->rest)
		more = flat_string(buffer, type->rest, strlen(type->rest));
	flat_table_begin(buffer);
	for (unsigned i = 0; i < shapes[type->table].count; i++)
		flat_field(buffer, i, type->numbers[i], shapes[type->table].widths[i]);
	flat_field_ref(buffer, 1, more);
	return flat_table_end(buffer);
}
