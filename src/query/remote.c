/* Remote catalogs. Secrets live in this process's memory and appear in no message. */
#include "query/remote.h"

#include "base/error.h"
#include "base/sandbox.h"
#include "duck/query.h"
#include "duck/sql.h"
#include "extract/remote.h"

#include <string.h>

static bool unpack(const json_t *item, struct published_attach *remote, const char **token,
		   GError **error)
{
	*token = NULL;
	if (json_unpack((json_t *)item, "{ss ss ss s?s}", "alias", &remote->alias, "extension",
			&remote->extension, "url", &remote->url, "token", token) == 0)
		return true;
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_INVALID,
			    "a remote catalog needs alias, extension and url");
	return false;
}

bool remote_load(struct duck_connection *connection, const json_t *list, GError **error)
{
	size_t i;
	json_t *item;
	json_array_foreach((json_t *)list, i, item)
	{
		struct published_attach remote = {0};
		const char *token;
		if (!unpack(item, &remote, &token, error))
			return false;
		const char *folder = json_string_value(json_object_get(item, "folder"));
		g_autoptr(GError) cause = NULL;
		if (!remote_load_extension(connection, folder, remote.extension, &cause))
			g_info("the extension %s is not loaded: %s", remote.extension,
			       cause->message);
	}
	return true;
}

void remote_append_paths(GArray *paths)
{
	static const char *const readable[] = {
		"/etc/gai.conf",
		"/etc/host.conf",
		"/etc/hosts",
		"/etc/nsswitch.conf",
		"/etc/resolv.conf",
		"/etc/services",
		"/etc/ssl",
		"/etc/pki",
		"/usr/lib",
		"/lib",
		"/lib64",
		"/usr/lib64",
		"/usr/share/ca-certificates",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(readable); i++) {
		const struct sandbox_path path = {readable[i], SANDBOX_READ};
		if (g_file_test(path.path, G_FILE_TEST_EXISTS))
			g_array_append_val(paths, path);
	}
}

/* BigQuery takes its token from a secret, the others in ATTACH. */
static bool takes_secret(const struct published_attach *remote)
{
	return strcmp(remote->extension, "bigquery") == 0;
}

static bool make_secret(struct duck_connection *connection, const struct published_attach *remote,
			const char *token, GError **error)
{
	g_autofree char *name = g_strconcat("bq_secret_", remote->alias, NULL);
	g_autofree char *sql = duck_sql("CREATE SECRET %I (TYPE bigquery, ACCESS_TOKEN %L)", name,
					token);
	return duck_exec(connection, error, sql, NULL);
}

static void attach_one(struct duck_connection *connection, const struct published_attach *remote,
		       const char *token)
{
	g_autoptr(GError) cause = NULL;
	g_autofree char *attach = remote_attach_sql(remote, takes_secret(remote) ? NULL : token);
	if ((!token || !takes_secret(remote) || make_secret(connection, remote, token, &cause)) &&
	    duck_exec(connection, &cause, attach, NULL))
		return;
	/* The message may quote the statement, and with it the token. */
	GString *message = g_string_new(cause->message);
	if (token && *token)
		g_string_replace(message, token, "***", 0);
	g_warning("cannot attach the remote catalog %s: %s", remote->alias, message->str);
	g_string_free(message, TRUE);
}

bool remote_attach(struct duck_connection *connection, const json_t *list, GError **error)
{
	size_t i;
	json_t *item;
	json_array_foreach((json_t *)list, i, item)
	{
		struct published_attach remote = {0};
		const char *token;
		if (!unpack(item, &remote, &token, error))
			return false;
		attach_one(connection, &remote, token);
	}
	return true;
}
