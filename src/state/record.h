/*
 * Rows of system.duckdb as plain structs. A repository declares its struct and, once, the table of
 * its fields; reading, writing and rendering follow from that. Columns are always addressed by
 * name, because their order differs between fresh and migrated files.
 *
 *	struct user {
 *		const char *id, *email;
 *		enum record_flag active;
 *		int64_t created_at;
 *	};
 *	static const struct record_field fields[] = {
 *		RECORD_FIELD(struct user, id, RECORD_KEY),
 *		RECORD_FIELD(struct user, email, RECORD_EDITABLE),
 *		RECORD_FIELD(struct user, active, RECORD_EDITABLE),
 *		RECORD_TIME(struct user, created_at, RECORD_KEPT),
 *	};
 *	const struct record_type user_type = RECORD_TYPE("user", "users", struct user, fields);
 *
 * The kind of a field follows from the type of the member: `const char *` (text, JSON), int64_t,
 * double, bool (NULL reads as false), enum record_flag (where NULL means something), `char **`
 * (a list of texts).
 */
#pragma once

#include "base/json.h"
#include "duck/query.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_NO_INT DUCK_NO_TIME /* NULL in any int64_t; in a double it is NaN */

enum record_flag { RECORD_UNSET = -1, RECORD_FALSE, RECORD_TRUE };

enum record_kind {
	RECORD_KIND_TEXT,
	RECORD_KIND_INT,
	RECORD_KIND_DOUBLE,
	RECORD_KIND_BOOL,
	RECORD_KIND_FLAG,
	RECORD_KIND_TIME, /* int64_t, microseconds since 1970 in UTC, or DUCK_NO_TIME */
	RECORD_KIND_LIST,
};

enum record_role {
	RECORD_PLAIN = 0,
	RECORD_KEY = 1 << 0,	  /* part of the primary key */
	RECORD_KEPT = 1 << 1,	  /* an upsert leaves it as it is in a row that exists */
	RECORD_EDITABLE = 1 << 2, /* record_update() may change it */
	RECORD_TOUCHED = 1 << 3,  /* record_update() sets this time to the present */
};

struct record_field {
	const char *column;
	enum record_kind kind;
	unsigned roles;
	size_t offset;
};

struct record_type {
	const char *noun;  /* for messages: "user" */
	const char *table; /* or, to read only, a subquery in parentheses */
	size_t size;
	const struct record_field *fields;
	size_t count;
};

/* clang-format off */
#define RECORD_FIELD(type, member, roles)                    \
	{                                                    \
		#member,                                     \
		_Generic(((type *)0)->member,                \
			 const char *: RECORD_KIND_TEXT,     \
			 int64_t: RECORD_KIND_INT,           \
			 double: RECORD_KIND_DOUBLE,         \
			 bool: RECORD_KIND_BOOL,             \
			 enum record_flag: RECORD_KIND_FLAG, \
			 char **: RECORD_KIND_LIST),         \
		(roles), offsetof(type, member)              \
	}
/* An int64_t that is a timestamp. */
#define RECORD_TIME(type, member, roles)                                    \
	{                                                                   \
		#member, _Generic(((type *)0)->member, int64_t: RECORD_KIND_TIME), \
		(roles), offsetof(type, member)                             \
	}
#define RECORD_TYPE(noun, table, type, fields) \
	{ (noun), (table), sizeof(type), (fields), G_N_ELEMENTS(fields) }
/* To write where the last field is read from a joined table: the table itself, without that. */
#define RECORD_TYPE_WITHOUT_LAST(noun, table, type, fields) \
	{ (noun), (table), sizeof(type), (fields), G_N_ELEMENTS(fields) - 1 }
/* clang-format on */

/*
 * Sets every field to NULL. For a struct of the caller's own, which then only borrows what it
 * points at: it is never given to record_free().
 */
void record_init(const struct record_type *type, void *record);

/* Frees what record_find() or record_query() made, of whatever type. */
void record_free(void *record);
/* A new record with copies of all that this one points at. */
void *record_copy(const struct record_type *type, const void *record);

/*
 * Lets `g_autoptr(user_record) user = users_find(...)` free its `struct user`: the bare name would
 * shadow every variable of that name.
 */
#define DEFINE_RECORD(name)                \
	typedef struct name name##_record; \
	G_DEFINE_AUTOPTR_CLEANUP_FUNC(name##_record, record_free)

/*
 * Runs "SELECT <the type's columns> FROM <its table> <tail>"; the tail and its parameters are as
 * in duck_query(). The records are in the order of the rows; the array frees them.
 */
GPtrArray *record_query(struct duck_connection *connection, GError **error,
			const struct record_type *type, const char *tail, const char *format, ...);
GPtrArray *record_query_values(struct duck_connection *connection, const struct record_type *type,
			       const char *tail, const struct duck_value *values, size_t count,
			       GError **error);

/* The first such record; NULL with NOT_FOUND ("no such user") when there is none. */
void *record_find(struct duck_connection *connection, GError **error,
		  const struct record_type *type, const char *tail, const char *format, ...);
void *record_find_values(struct duck_connection *connection, const struct record_type *type,
			 const char *tail, const struct duck_value *values, size_t count,
			 GError **error);

/* Writes every field, NULL included: the defaults of the columns do not apply. CONFLICT: exists. */
bool record_insert(struct duck_connection *connection, const struct record_type *type,
		   const void *record, GError **error);
/* The same, and the row as it was stored: a new record. */
void *record_create(struct duck_connection *connection, const struct record_type *type,
		    const void *record, GError **error);
/* Inserts, or overwrites the row of the same key except for the fields that are RECORD_KEPT. */
bool record_upsert(struct duck_connection *connection, const struct record_type *type,
		   const void *record, GError **error);
/* The two for many records, in one statement. No key may appear twice in an upsert. */
bool record_insert_many(struct duck_connection *connection, const struct record_type *type,
			const GPtrArray *records, GError **error);
bool record_upsert_many(struct duck_connection *connection, const struct record_type *type,
			const GPtrArray *records, GError **error);
/*
 * Writes the named columns (NULL-terminated, each RECORD_EDITABLE, else INVALID) to the row of the
 * record's key. NOT_FOUND: there is no such row. Without a name nothing happens.
 */
bool record_update(struct duck_connection *connection, const struct record_type *type,
		   const void *record, const char *const *columns, GError **error);
/*
 * The same for every row that the tail picks ("WHERE ..."; it has at least one parameter): how many
 * there were, -1 on error.
 */
int64_t record_update_where(struct duck_connection *connection, GError **error,
			    const struct record_type *type, const void *record,
			    const char *const *columns, const char *tail, const char *format, ...);
/*
 * Runs "DELETE FROM <table> <tail>". NOT_FOUND when it deletes nothing. The tail is never empty.
 */
bool record_delete(struct duck_connection *connection, GError **error,
		   const struct record_type *type, const char *tail, const char *format, ...);
bool record_delete_values(struct duck_connection *connection, const struct record_type *type,
			  const char *tail, const struct duck_value *values, size_t count,
			  GError **error);
/* The same for one row, which it hands out as it was: a new record. */
void *record_take(struct duck_connection *connection, GError **error,
		  const struct record_type *type, const char *tail, const char *format, ...);

/*
 * A new object with every column: JSON columns as text, lists as arrays, times as
 * "2026-01-31T12:00:00[.ffffff]", NULL as null.
 */
json_t *record_to_json(const struct record_type *type, const void *record);
/* The same for each record of an array. */
json_t *records_to_json(const struct record_type *type, const GPtrArray *records);
