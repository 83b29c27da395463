/* JSON text to trees and back. */
#include "base/json.h"

#include "base/error.h"

json_t *json_parse(const char *text, size_t size, const char *what, GError **error)
{
	json_error_t problem;
	json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
	if (!value)
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID, "%s:%d:%d: %s", what,
			    problem.line, problem.column, problem.text);
	return value;
}

char *json_to_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	char *copy = g_strdup(text);
	free(text);
	return copy;
}
