/* The policy on attaching remote databases. */
#include "extract/remote.h"

#include "base/error.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/names.h"

#define DEFAULT_EXTENSIONS "keboola,bigquery"
#define DEFAULT_TOKEN_ENVS \
	"KBC_TOKEN,KBC_STORAGE_TOKEN,KEBOOLA_STORAGE_TOKEN,GOOGLE_APPLICATION_CREDENTIALS"

/* The names between the commas; NULL when there are none. */
static char **split_names(const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", -1);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (char **part = parts; *part; part++) {
		if (*g_strstrip(*part) != '\0')
			g_ptr_array_add(names, g_strdup(*part));
	}
	if (names->len == 0)
		return NULL;
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

void remote_policy_init(struct remote_policy *policy, const char *extensions,
			const char *token_envs)
{
	policy->extensions = split_names(extensions);
	if (!policy->extensions)
		policy->extensions = split_names(DEFAULT_EXTENSIONS);
	policy->token_envs = split_names(token_envs);
	if (!policy->token_envs)
		policy->token_envs = split_names(DEFAULT_TOKEN_ENVS);
}

void remote_policy_clear(struct remote_policy *policy)
{
	g_clear_pointer(&policy->extensions, g_strfreev);
	g_clear_pointer(&policy->token_envs, g_strfreev);
}

static bool is_listed(char **list, const char *name)
{
	return g_strv_contains((const char *const *)list, name);
}

bool remote_policy_allows_token(const struct remote_policy *policy, const char *name)
{
	return is_listed(policy->token_envs, name);
}

bool remote_policy_check(const struct remote_policy *policy, const struct published_attach *attach,
			 GError **error)
{
	bool has_token = *attach->token_env != '\0';
	if (!name_is_strict(attach->alias) || !name_is_strict(attach->extension) ||
	    (has_token && !name_is_env(attach->token_env))) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "'%s', '%s' or '%s' cannot name a remote database, its extension and "
			    "its token's variable",
			    attach->alias, attach->extension, attach->token_env);
		return false;
	}
	if (!is_listed(policy->extensions, attach->extension)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
			    "the extension '%s' is not allowed; list it in "
			    "AGNES_REMOTE_ATTACH_EXTENSIONS to allow it",
			    attach->extension);
		return false;
	}
	if (has_token && !remote_policy_allows_token(policy, attach->token_env)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_DENIED,
			    "the variable '%s' is not allowed; list it in "
			    "AGNES_REMOTE_ATTACH_TOKEN_ENVS to allow it",
			    attach->token_env);
		return false;
	}
	return true;
}

bool remote_load_extension(struct duck_connection *connection, const char *folder,
			   const char *extension, GError **error)
{
	g_autofree char *place = folder ? duck_sql("SET extension_directory = %L;", folder)
					: g_strdup("");
	g_autofree char *sql = duck_sql("%S LOAD %I", place, extension);
	return duck_exec(connection, error, sql, NULL);
}

char *remote_attach_sql(const struct published_attach *attach, const char *token)
{
	if (token && *token)
		return duck_sql("ATTACH %L AS %I (TYPE %I, TOKEN %L, READ_ONLY)", attach->url,
				attach->alias, attach->extension, token);
	return duck_sql("ATTACH %L AS %I (TYPE %I, READ_ONLY)", attach->url, attach->alias,
			attach->extension);
}
