/* YAML from anywhere: no crash, no leak, and what was read and written reads back the same. */
#include "base/yaml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(yaml_document) document = yaml_parse((const char *)data, size, "input", &error);
	if (!document != (error != NULL))
		abort();
	if (!document)
		return 0;
	g_autofree char *text = yaml_write(document->root);
	/* Escapes and indentation may take it over the limit. */
	size_t length = strlen(text);
	if (length > YAML_MAX_BYTES)
		return 0;
	g_autoptr(yaml_document) again = yaml_parse(text, length, "written", NULL);
	if (!again || !json_equal(document->root, again->root))
		abort();
	return 0;
}
