/* What a plain scalar means by YAML's core schema. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* A new reference to null, a boolean, a number or text. Takes UTF-8 without NUL. */
json_t *yaml_scalar_resolve(const char *text, size_t size);
