/* Columns of a prepared statement, and the spelling of types. */
#include "duck/columns.h"

#include "duck/private.h"

static const char *const plain_types[] = {
	[DUCKDB_TYPE_BOOLEAN] = "BOOLEAN",
	[DUCKDB_TYPE_TINYINT] = "TINYINT",
	[DUCKDB_TYPE_SMALLINT] = "SMALLINT",
	[DUCKDB_TYPE_INTEGER] = "INTEGER",
	[DUCKDB_TYPE_BIGINT] = "BIGINT",
	[DUCKDB_TYPE_UTINYINT] = "UTINYINT",
	[DUCKDB_TYPE_USMALLINT] = "USMALLINT",
	[DUCKDB_TYPE_UINTEGER] = "UINTEGER",
	[DUCKDB_TYPE_UBIGINT] = "UBIGINT",
	[DUCKDB_TYPE_FLOAT] = "FLOAT",
	[DUCKDB_TYPE_DOUBLE] = "DOUBLE",
	[DUCKDB_TYPE_TIMESTAMP] = "TIMESTAMP",
	[DUCKDB_TYPE_DATE] = "DATE",
	[DUCKDB_TYPE_TIME] = "TIME",
	[DUCKDB_TYPE_INTERVAL] = "INTERVAL",
	[DUCKDB_TYPE_HUGEINT] = "HUGEINT",
	[DUCKDB_TYPE_UHUGEINT] = "UHUGEINT",
	[DUCKDB_TYPE_VARCHAR] = "VARCHAR",
	[DUCKDB_TYPE_BLOB] = "BLOB",
	[DUCKDB_TYPE_TIMESTAMP_S] = "TIMESTAMP_S",
	[DUCKDB_TYPE_TIMESTAMP_MS] = "TIMESTAMP_MS",
	[DUCKDB_TYPE_TIMESTAMP_NS] = "TIMESTAMP_NS",
	[DUCKDB_TYPE_ENUM] = "ENUM",
	[DUCKDB_TYPE_UUID] = "UUID",
	[DUCKDB_TYPE_BIT] = "BIT",
	[DUCKDB_TYPE_TIME_TZ] = "TIME WITH TIME ZONE",
	[DUCKDB_TYPE_TIMESTAMP_TZ] = "TIMESTAMP WITH TIME ZONE",
	[DUCKDB_TYPE_BIGNUM] = "BIGNUM",
	[DUCKDB_TYPE_SQLNULL] = "INTEGER",
	[DUCKDB_TYPE_TIME_NS] = "TIME_NS",
};

static void append_type(GString *text, duckdb_logical_type type);

/* Takes over the type. */
static void append_inner(GString *text, duckdb_logical_type type)
{
	append_type(text, type);
	duckdb_destroy_logical_type(&type);
}

/* Appends `"name" TYPE` for a member of a struct or a union. Takes over both. */
static void append_member(GString *text, idx_t index, char *name, duckdb_logical_type type)
{
	g_string_append_printf(text, "%s\"%s\" ", index ? ", " : "", name);
	duckdb_free(name);
	append_inner(text, type);
}

static void append_struct(GString *text, duckdb_logical_type type)
{
	g_string_append(text, "STRUCT(");
	for (idx_t i = 0; i < duckdb_struct_type_child_count(type); i++)
		append_member(text, i, duckdb_struct_type_child_name(type, i),
			      duckdb_struct_type_child_type(type, i));
	g_string_append_c(text, ')');
}

static void append_union(GString *text, duckdb_logical_type type)
{
	g_string_append(text, "UNION(");
	for (idx_t i = 0; i < duckdb_union_type_member_count(type); i++)
		append_member(text, i, duckdb_union_type_member_name(type, i),
			      duckdb_union_type_member_type(type, i));
	g_string_append_c(text, ')');
}

static void append_map(GString *text, duckdb_logical_type type)
{
	g_string_append(text, "MAP(");
	append_inner(text, duckdb_map_type_key_type(type));
	g_string_append(text, ", ");
	append_inner(text, duckdb_map_type_value_type(type));
	g_string_append_c(text, ')');
}

static void append_by_id(GString *text, duckdb_logical_type type)
{
	duckdb_type id = duckdb_get_type_id(type);
	switch (id) {
	case DUCKDB_TYPE_DECIMAL:
		g_string_append_printf(text, "DECIMAL(%d,%d)", duckdb_decimal_width(type),
				       duckdb_decimal_scale(type));
		break;
	case DUCKDB_TYPE_LIST:
		append_inner(text, duckdb_list_type_child_type(type));
		g_string_append(text, "[]");
		break;
	case DUCKDB_TYPE_ARRAY:
		append_inner(text, duckdb_array_type_child_type(type));
		g_string_append_printf(text, "[%d]", (int)duckdb_array_type_array_size(type));
		break;
	case DUCKDB_TYPE_STRUCT:
		append_struct(text, type);
		break;
	case DUCKDB_TYPE_UNION:
		append_union(text, type);
		break;
	case DUCKDB_TYPE_MAP:
		append_map(text, type);
		break;
	default:
		g_string_append(text, id < G_N_ELEMENTS(plain_types) && plain_types[id]
					      ? plain_types[id]
					      : "OTHER");
	}
}

static void append_type(GString *text, duckdb_logical_type type)
{
	char *alias = duckdb_logical_type_get_alias(type);
	if (g_strcmp0(alias, "JSON") == 0)
		g_string_append(text, alias);
	else
		append_by_id(text, type);
	duckdb_free(alias);
}

bool duck_statement_is_query(const struct duck_statement *statement)
{
	return duckdb_prepared_statement_type(statement->handle) == DUCKDB_STATEMENT_TYPE_SELECT;
}

size_t duck_statement_columns(const struct duck_statement *statement)
{
	return duckdb_prepared_statement_column_count(statement->handle);
}

char *duck_statement_column_name(const struct duck_statement *statement, size_t column)
{
	char *theirs = (char *)duckdb_prepared_statement_column_name(statement->handle, column);
	char *name = g_strdup(theirs);
	duckdb_free(theirs);
	return name;
}

char *duck_statement_column_type(const struct duck_statement *statement, size_t column)
{
	GString *text = g_string_new(NULL);
	append_inner(text,
		     duckdb_prepared_statement_column_logical_type(statement->handle, column));
	return g_string_free(text, FALSE);
}
