/*
 * What must be known or done before DuckDB reads a text file: it drops lines that are longer than
 * its buffer without a word, reads UTF-8 alone, and needs an extension for other encodings.
 */
#pragma once

#include "connectors/local/files.h"

#include <glib.h>
#include <stdbool.h>

struct local_preparation {
	const char *encoding; /* as iconv calls it; NULL: by the byte order mark, else UTF-8 */
	int64_t longest_line; /* bytes allowed */
	const char *folder;   /* for converted copies */
};

/*
 * Reads the file once. One that is not UTF-8 is converted to an unnamed copy, which file->path then
 * is, plain; bytes that its encoding does not have become bytes that UTF-8 does not have, so that
 * the row is rejected later. TOO_LARGE: a line is longer than allowed; the message says which.
 * *empty: there is nothing in it but white space.
 */
bool local_file_prepare(struct local_file *file, const struct local_preparation *how, bool *empty,
			GError **error);

/* Whether iconv knows the encoding; the error says how it may be written. */
bool local_encoding_check(const char *encoding, GError **error);
