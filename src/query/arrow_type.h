/* A column's type in Arrow: from the format string of the C data interface to what the stream's
 * metadata says, and to the buffers that its values have. */
#pragma once

#include "duck/arrow.h"
#include "query/flatbuffer.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What follows the validity bitmap. */
enum arrow_layout {
	ARROW_NULL,	/* nothing, and no bitmap either */
	ARROW_FIXED,	/* values of so many bits each */
	ARROW_BYTES,	/* 32-bit offsets and bytes */
	ARROW_BYTES_64, /* 64-bit offsets and bytes */
	ARROW_LIST,	/* 32-bit offsets; a child */
	ARROW_LIST_64,	/* 64-bit offsets; a child */
	ARROW_CHILDREN, /* only children, each as long or so many times as long */
	ARROW_UNION,	/* type ids, no bitmap; children */
};

/* Which table of Arrow's schema describes it; the numbers are those of its union "Type". */
enum arrow_table {
	ARROW_TABLE_NULL = 1,
	ARROW_TABLE_INT,
	ARROW_TABLE_FLOAT,
	ARROW_TABLE_BINARY,
	ARROW_TABLE_UTF8,
	ARROW_TABLE_BOOL,
	ARROW_TABLE_DECIMAL,
	ARROW_TABLE_DATE,
	ARROW_TABLE_TIME,
	ARROW_TABLE_TIMESTAMP,
	ARROW_TABLE_INTERVAL,
	ARROW_TABLE_LIST,
	ARROW_TABLE_STRUCT,
	ARROW_TABLE_UNION,
	ARROW_TABLE_FIXED_BINARY,
	ARROW_TABLE_FIXED_LIST,
	ARROW_TABLE_MAP,
	ARROW_TABLE_DURATION,
	ARROW_TABLE_LARGE_BINARY,
	ARROW_TABLE_LARGE_UTF8,
	ARROW_TABLE_LARGE_LIST,
};

struct arrow_type {
	enum arrow_table table;
	enum arrow_layout layout;
	unsigned bits; /* of a value, for ARROW_FIXED */
	/* The numbers in the table: width, signedness, unit, precision, scale, size; by table. */
	int numbers[3];
	/* Part of the format: a timestamp's zone, "" for none; a union's type ids. */
	const char *rest;
};

/* UNSUPPORTED: a format that DuckDB does not produce with the settings of a worker. */
bool arrow_type_parse(const char *format, struct arrow_type *type, GError **error);

/* The type's own table in the metadata. */
flat_ref arrow_type_write(const struct arrow_type *type, struct flatbuffer *buffer);
