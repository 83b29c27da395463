/* Attachments of all sources, through the policy. */
#include "engine/remote_catalogs.h"

#include "extract/remote.h"

/* With its token; NULL: it is left out. */
static json_t *describe(const struct remote_policy *policy, const struct published_source *source,
			const struct published_attach *attach)
{
	g_autoptr(GError) error = NULL;
	const char *token = *attach->token_env ? g_getenv(attach->token_env) : "";
	if (!remote_policy_check(policy, attach, &error)) {
		g_warning("source '%s': remote tables are left out: %s", source->name,
			  error->message);
		return NULL;
	}
	if (!token) {
		g_warning("source '%s': remote tables are left out: the variable %s is not set",
			  source->name, attach->token_env);
		return NULL;
	}
	g_autofree char *folder = g_build_filename(g_get_home_dir(), ".duckdb", "extensions", NULL);
	return json_pack("{ss ss ss ss ss}", "alias", attach->alias, "extension", attach->extension,
			 "folder", folder, "url", attach->url, "token", token);
}

json_t *remote_catalogs(const struct edition *edition)
{
	g_auto(remote_policy) policy = {0};
	remote_policy_init(&policy, g_getenv("AGNES_REMOTE_ATTACH_EXTENSIONS"),
			   g_getenv("AGNES_REMOTE_ATTACH_TOKEN_ENVS"));
	json_t *list = json_array();
	g_autoptr(GHashTable) aliases = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < edition->sources->len; i++) {
		const struct published_source *source = g_ptr_array_index(edition->sources, i);
		for (guint j = 0; j < source->attached->len; j++) {
			const struct published_attach *attach = g_ptr_array_index(source->attached,
										  j);
			json_t *catalog = describe(&policy, source, attach);
			if (catalog && g_hash_table_add(aliases, attach->alias))
				json_array_append_new(list, catalog);
			else
				json_decref(catalog);
		}
	}
	return list;
}
