/*
 * Statements from anywhere through the guard: no crash, and what it lets pass names only its tables
 * and can be put into parentheses; the same as predicates of a scan. A statement that DuckDB itself
 * cannot survive would end a worker, not the server; what is looked for here is our own.
 */
#include "base/error.h"
#include "duck/columns.h"
#include "query/guard.h"
#include "query/predicate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* DuckDB's parser takes longer than linearly: long inputs find nothing that short ones do not. */
enum { LONGEST = 2048 };

/* These live as long as the program. */
static struct duck_database *database;
static struct duck_connection *connection;
static struct query_tables *tables;
static struct query_guard *guard;
static GHashTable *columns;

int LLVMFuzzerInitialize(int *argc, char ***argv);
/* What passed is one expression: with it the scan is a query, and names no other table. */
static void check_predicate(const char *text)
{
	const struct predicate_scope scope = {.table = "orders", .columns = columns};
	json_t *rejection = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *passed = predicate_check(guard, text, &scope, &rejection, &error);
	json_decref(rejection);
	if (!passed)
		return;
	g_auto(query_verdict) verdict = {0};
	g_autofree char *sql = g_strdup_printf(
		"SELECT * FROM orders AS orders WHERE (\n%s\n) ORDER BY id LIMIT 3", passed);
	if (query_guard_check(guard, sql, &verdict, &error) ? verdict.tables->len != 1
							    : !strstr(error->message, "function"))
		abort();
	g_autoptr(GError) unbound = NULL;
	g_autoptr(duck_statement) statement = duck_prepare(connection, sql, &unbound);
	if (statement ? !duck_statement_is_query(statement)
		      : strstr(unbound->message, "Parser Error") != NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* DuckDB leaks a little when it binds DESCRIBE; ours is all C, which does not come from there. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libstdc++";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	json_t *list = json_pack("[s, s]", "orders", "customers");
	struct duck_options options = {.threads = 1, .memory_limit = "512MB"};
	database = duck_database_open(NULL, &options, NULL);
	tables = query_tables_new(list, NULL);
	json_decref(list);
	guard = query_guard_new(database, tables, NULL);
	connection = duck_connect(database, NULL);
	columns = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_add(columns, (gpointer) "id");
	g_hash_table_add(columns, (gpointer) "amount");
	g_hash_table_add(columns, (gpointer) "l");
	return duck_exec(connection, NULL,
			 "CREATE TABLE orders (id BIGINT, amount DECIMAL(18,2), l INTEGER[]);"
			 "CREATE TABLE customers (id BIGINT, name VARCHAR, s STRUCT(a INTEGER));"
			 "CREATE TABLE secret (s VARCHAR);"
			 "SET enable_external_access = false",
			 NULL)
		       ? 0
		       : 1;
}

/* What passed must be a query also between parentheses, unless DuckDB refuses it as it stands. */
static void check_body(const char *body)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *wrapped = g_strdup_printf("FROM (%s\n)", body);
	g_autoptr(duck_statement) plain = duck_prepare(connection, body, NULL);
	if (!plain)
		return;
	if (!duck_statement_is_query(plain))
		abort();
	g_autoptr(duck_statement) statement = duck_prepare(connection, wrapped, &error);
	if (statement ? !duck_statement_is_query(statement)
		      : strstr(error->message, "Parser Error") != NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *sql = g_strndup((const char *)data, MIN(size, LONGEST));
	g_auto(query_verdict) verdict = {0};
	g_autoptr(GError) error = NULL;
	bool passed = query_guard_check(guard, sql, &verdict, &error);
	if (passed == (error != NULL) || passed != (verdict.tables != NULL))
		abort();
	if (passed)
		check_body(verdict.body);
	check_predicate(sql);
	return 0;
}
