/* Rules for registering tables. */
#include "app/table_rules.h"

#include "app/wire.h"
#include "connectors/custom/custom.h"
#include "engine/schedule.h"
#include "extract/names.h"

#include <string.h>

static const char *const source_types[] = {"bigquery", "jira", "keboola", "local", NULL};
static const char *const query_modes[] = {"local", "remote", "materialized", NULL};

static bool is(const char *left, const char *right)
{
	return g_strcmp0(left, right) == 0;
}

static bool blank(const char *text)
{
	return !text || !*text;
}

char *table_rules_query_mode(const json_t *value)
{
	const char *given = json_string_value(value);
	if (!given || g_strv_contains(query_modes, given))
		return NULL;
	g_autofree char *quoted = wire_quote(given);
	return g_strdup_printf("query_mode must be 'local', 'remote' or 'materialized', got %s",
			       quoted);
}

char *table_rules_schedule(const json_t *value)
{
	const char *given = json_string_value(value);
	if (blank(given) || schedule_check(given, NULL))
		return NULL;
	g_autofree char *quoted = wire_quote(given);
	return g_strdup_printf("sync_schedule must be 'every Nm' / 'every Nh' / "
			       "'daily HH:MM[,HH:MM,...]', got %s",
			       quoted);
}

const char *table_rules_query_fits(const char *query_mode, const char *source_query)
{
	if (is(query_mode, "materialized") && blank(source_query))
		return "query_mode='materialized' requires a non-empty source_query";
	if (!is(query_mode, "materialized") && !blank(source_query))
		return "source_query is only valid when query_mode='materialized'";
	return NULL;
}

const char *table_rules_query(const char *query_mode, const char *source_query)
{
	if (source_query && strchr(source_query, '`'))
		return "source_query must not hold a backtick: write names as "
		       "bq.\"dataset\".\"table\"";
	return table_rules_query_fits(query_mode, source_query);
}

/* A name becomes a view, a file and a part of a URL. */
static struct http_response *refuse_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.- ";
	if (*name && strspn(name, allowed) == strlen(name) && strlen(name) <= 128 &&
	    (g_ascii_isalnum(*name) || *name == '_'))
		return NULL;
	g_autofree char *quoted = wire_quote(name);
	return http_refuse(400,
			   "Table name %s must begin with a letter, digit or underscore and hold "
			   "only these, dots, dashes and spaces, at most 128 of them",
			   quoted);
}

/* One of those that there are by name, or a connector in another language that is there now. */
static bool is_source_type(const char *type, const struct configuration *config)
{
	if (blank(type) || g_strv_contains(source_types, type))
		return true;
	g_auto(GStrv) names = custom_connector_names(config_text(config, "CONNECTORS_DIR"));
	return g_strv_contains((const char *const *)names, type);
}

struct http_response *table_rules_refuse_source(const char *type,
						const struct configuration *config)
{
	if (is_source_type(type, config))
		return NULL;
	g_autofree char *quoted = wire_quote(type);
	return http_invalid("source_type",
			    "source_type must be one of ['bigquery', 'jira', 'keboola', 'local'] "
			    "or a connector in CONNECTORS_DIR, got %s",
			    quoted);
}

static struct http_response *refuse_unconfigured(const char *type,
						 const struct configuration *config)
{
	const char *effective = config_text(config, "data_source.type");
	const char *key = is(type, "keboola")	 ? "data_source.keboola.stack_url"
			  : is(type, "bigquery") ? "data_source.bigquery.project"
						 : NULL; /* jira and local need no address */
	if (!key || is(type, effective) || is(effective, "local") || config_is_set(config, key))
		return NULL;
	return http_refuse(422,
			   "source_type '%s' is not configured: this instance uses '%s'; add "
			   "data_source.%s to its configuration first",
			   type, effective, type);
}

/* --- BigQuery --- */

static struct http_response *refuse_project(const struct configuration *config)
{
	const char *project = config_text(config, "data_source.bigquery.project");
	if (blank(project))
		return http_refuse(400, "bigquery: no project is configured "
					"(data_source.bigquery.project)");
	if (!name_is_project(project))
		return http_refuse(400, "bigquery: the configured project id is malformed");
	return NULL;
}

static struct http_response *refuse_part(bool fine, const char *what, const char *value)
{
	if (fine)
		return NULL;
	g_autofree char *quoted = wire_quote(value);
	return http_refuse(400, "bigquery: unsafe %s %s", what, quoted);
}

static struct http_response *refuse_place(const struct registered_table *table)
{
	if (blank(table->bucket))
		return http_refuse(422, "bigquery: 'bucket' (BQ dataset) is required");
	if (blank(table->source_table))
		return http_refuse(422, "bigquery: 'source_table' is required");
	if (strchr(table->bucket, '*') || strchr(table->source_table, '*'))
		return http_refuse(400,
				   "bigquery: a wildcard cannot be registered; name one table");
	return NULL;
}

static struct http_response *refuse_bigquery(struct registered_table *table,
					     const struct configuration *config)
{
	bool query = is(table->query_mode, "materialized");
	struct http_response *refusal = query ? NULL : refuse_place(table);
	if (!refusal)
		refusal = refuse_part(name_is_strict(table->name), "view name", table->name);
	if (!refusal && !query)
		refusal = refuse_part(name_is_relaxed(table->bucket), "dataset", table->bucket);
	if (!refusal && !query)
		refusal = refuse_part(name_is_relaxed(table->source_table), "source_table",
				      table->source_table);
	if (!refusal)
		refusal = refuse_project(config);
	if (!query)
		table->query_mode = "remote";
	return refusal;
}

struct http_response *table_rules_refuse(struct registered_table *table,
					 const struct configuration *config)
{
	struct http_response *refusal = table_rules_refuse_source(table->source_type, config);
	if (!refusal)
		refusal = refuse_name(table->name);
	if (!refusal)
		refusal = refuse_unconfigured(table->source_type, config);
	if (!refusal && is(table->source_type, "bigquery"))
		refusal = refuse_bigquery(table, config);
	return refusal;
}
