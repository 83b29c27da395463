/*
 * Statements with bound parameters, and their rows.
 *
 * Parameters follow a format string, one letter for each `?` of the SQL:
 *	s  const char *      VARCHAR, JSON, …; NULL binds NULL
 *	i  int64_t           any integer type        I  const int64_t *, NULL binds NULL
 *	d  double            DOUBLE                  D  const double *, NULL binds NULL
 *	b  int (bool)        BOOLEAN                 B  const bool *, NULL binds NULL
 *	t  int64_t           TIMESTAMP, microseconds since 1970 in UTC; DUCK_NO_TIME binds NULL
 *	a  char **           VARCHAR[], NULL-terminated; NULL binds NULL
 * A NULL or "" format means no parameters, and then the SQL may hold several statements. Integers
 *must really be 64 bits wide: cast constants.
 *
 * The error is the second argument because the parameters must come last. A CONFLICT is a broken
 * constraint or a lost race between transactions; FATAL says that the database must be reopened.
 */
#pragma once

#include "base/cleanup.h"
#include "duck/database.h"

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DUCK_NO_TIME INT64_MIN

struct duck_statement;
struct duck_rows;

/* Runs SQL for its effect. */
bool duck_exec(struct duck_connection *connection, GError **error, const char *sql,
	       const char *format, ...);

/* The same for INSERT, UPDATE and DELETE: the number of rows that changed, -1 on error. */
int64_t duck_change(struct duck_connection *connection, GError **error, const char *sql,
		    const char *format, ...);

/*
 * The parameters as an array, for SQL that is put together at run time. Values borrow what they
 * point at: it must live until the statement has run.
 */
enum duck_kind {
	DUCK_NULL,
	DUCK_TEXT,
	DUCK_INT,
	DUCK_DOUBLE,
	DUCK_BOOL,
	DUCK_TIME,
	DUCK_LIST,
	/* The items as a list of their kind: what unnest() makes rows of, thousands in a statement.
	 */
	DUCK_ARRAY,
};

struct duck_value {
	enum duck_kind kind;
	union {
		const char *text; /* NULL binds NULL, and likewise below */
		int64_t integer;
		double real;
		bool boolean;
		int64_t time;
		char **list;
		struct {
			const struct duck_value *items; /* each of items_kind or NULL */
			size_t count;
			enum duck_kind items_kind;
		};
	};
};

/* What the format string and its arguments stand for: a new array, one value for each letter. */
struct duck_value *duck_values_new(const char *format, va_list *args);

struct duck_rows *duck_query_values(struct duck_connection *connection, const char *sql,
				    const struct duck_value *values, size_t count, GError **error);
int64_t duck_change_values(struct duck_connection *connection, const char *sql,
			   const struct duck_value *values, size_t count, GError **error);

/*
 * Runs a query to its end and holds the result in memory: for results that are known to be small.
 * Stepping through the rows cannot fail.
 */
struct duck_rows *duck_query(struct duck_connection *connection, GError **error, const char *sql,
			     const char *format, ...);

/* For SQL that runs often: parsed and bound once, executed many times. */
struct duck_statement *duck_prepare(struct duck_connection *connection, const char *sql,
				    GError **error);
struct duck_rows *duck_statement_query(struct duck_statement *statement, GError **error,
				       const char *format, ...);
int64_t duck_statement_change(struct duck_statement *statement, GError **error, const char *format,
			      ...);
void duck_statement_free(struct duck_statement *statement);
DEFINE_AUTOPTR(duck_statement)

/* Steps to the next row, first to the first; false after the last. */
bool duck_rows_next(struct duck_rows *rows);
void duck_rows_free(struct duck_rows *rows);
DEFINE_AUTOPTR(duck_rows)

size_t duck_rows_columns(const struct duck_rows *rows);
const char *duck_rows_name(struct duck_rows *rows, size_t column);

/*
 * Values of the current row by column, counted from 0. The type of the column must fit, which the
 * SQL decides (CAST what comes from a foreign file): any other is a bug and aborts. NULL reads as
 * NULL, 0, false or DUCK_NO_TIME.
 */
bool duck_rows_is_null(const struct duck_rows *rows, size_t column);
/* VARCHAR. The text ends in NUL and lives until the next row; a NUL inside it ends it early. */
const char *duck_rows_text(struct duck_rows *rows, size_t column);
int64_t duck_rows_int(const struct duck_rows *rows,
		      size_t column); /* any integer up to 64 bits, HUGEINT */
double duck_rows_double(const struct duck_rows *rows, size_t column); /* FLOAT, DOUBLE */
bool duck_rows_bool(const struct duck_rows *rows, size_t column);
int64_t duck_rows_time(const struct duck_rows *rows, size_t column); /* TIMESTAMP */
/* VARCHAR[]: a new NULL-terminated array, NULL for NULL; elements that are NULL are left out. */
char **duck_rows_list(struct duck_rows *rows, size_t column);

/*
 * A value of any simple type as text: for results of statements that cannot be asked for casts,
 * such as EXPLAIN. Types that are not simple give their place "…". NULL for NULL; g_free() it.
 */
char *duck_rows_any(struct duck_rows *rows, size_t column);
