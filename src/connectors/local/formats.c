/* What file names and the configuration call the formats. */
#include "connectors/local/files.h"

#include <string.h>

static const struct {
	const char *name;
	enum local_format format;
} formats[] = {
	{"csv", LOCAL_CSV},	    {"tsv", LOCAL_TSV},	      {"txt", LOCAL_CSV},
	{"json", LOCAL_JSON},	    {"ndjson", LOCAL_NDJSON}, {"jsonl", LOCAL_NDJSON},
	{"parquet", LOCAL_PARQUET},
};

static const struct {
	const char *suffix;
	enum local_compression compression;
} compressions[] = {{".gz", LOCAL_GZIP}, {".zst", LOCAL_ZSTD}};

bool local_format_parse(const char *name, enum local_format *format)
{
	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
		if (g_ascii_strcasecmp(name, formats[i].name) == 0) {
			*format = formats[i].format;
			return true;
		}
	}
	return false;
}

bool local_file_kind(const char *name, enum local_format *format,
		     enum local_compression *compression)
{
	g_autofree char *folded = g_ascii_strdown(name, -1);
	*compression = LOCAL_PLAIN;
	for (size_t i = 0; i < G_N_ELEMENTS(compressions); i++) {
		if (!g_str_has_suffix(folded, compressions[i].suffix))
			continue;
		*compression = compressions[i].compression;
		folded[strlen(folded) - strlen(compressions[i].suffix)] = '\0';
	}
	const char *dot = strrchr(folded, '.');
	return dot && !strchr(dot, '/') && local_format_parse(dot + 1, format);
}

const char *local_compression_name(enum local_compression compression)
{
	static const char *const names[] = {
		[LOCAL_PLAIN] = "uncompressed",
		[LOCAL_GZIP] = "gzip",
		[LOCAL_ZSTD] = "zstd",
	};
	return names[compression];
}
