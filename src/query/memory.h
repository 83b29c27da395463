/*
 * Statements that a worker has seen and passed: dashboards and agents ask the same again and again,
 * and neither the guard's verdict nor the columns change while the tables are the same files.
 */
#pragma once

#include "base/cleanup.h"
#include "query/guard.h"

#include <glib.h>
#include <jansson.h>

struct query_column {
	char *name;
	char *type; /* see duck_statement_column_type() */
};

/* A statement that passed. Counted, because it may be forgotten while it runs. */
struct query_known {
	struct query_verdict verdict;
	GPtrArray *columns;    /* struct query_column */
	json_t *columns_shown; /* [[name, type], …] */
};
struct query_known *query_known_new(void);
struct query_known *query_known_ref(struct query_known *known);
void query_known_free(struct query_known *known); /* drops one reference */
DEFINE_AUTOPTR(query_known)

struct query_memory;

struct query_memory *query_memory_new(void);
void query_memory_free(struct query_memory *memory);
DEFINE_AUTOPTR(query_memory)

/* A reference of its own; NULL: it is not known. */
struct query_known *query_memory_recall(struct query_memory *memory, const char *sql);
/* Remembers a short statement of tables whose columns stay as they are; others not. */
void query_memory_keep(struct query_memory *memory, const char *sql, struct query_known *known);
