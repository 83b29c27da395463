/* Looking for updates, with update_check.json as the memory of the last look. */
#include "cli/update.h"

#include "base/environment.h"
#include "base/http_client.h"
#include "base/json.h"
#include "base/version.h"
#include "cli/output.h"
#include "cli/settings.h"

#include <string.h>
#include <sys/utsname.h>

static const char memory_file[] = "update_check.json";

enum {
	SECONDS_CONNECT = 1,
	SECONDS_TOTAL = 3,
	SECONDS_KNOWN = 24 * 3600,
	SECONDS_UNKNOWN = 5 * 60,
};

static double now(void)
{
	return (double)g_get_real_time() / G_USEC_PER_SEC;
}

/* What was remembered, if it is about this program and server and still fresh. */
static json_t *recall(const char *server)
{
	g_autoptr(json_t) memory = settings_read_json(memory_file, NULL);
	const char *installed = json_string_value(json_object_get(memory, "installed"));
	const char *about = json_string_value(json_object_get(memory, "server_url"));
	const json_t *checked = json_object_get(memory, "checked_at");
	bool known = json_is_string(json_object_get(memory, "latest"));
	if (g_strcmp0(installed, AGNES_VERSION) != 0 || g_strcmp0(about, server) != 0 ||
	    !json_is_number(checked))
		return NULL;
	double age = now() - json_number_value(checked);
	if (age < 0 || age > (known ? SECONDS_KNOWN : SECONDS_UNKNOWN))
		return NULL;
	return g_steal_pointer(&memory);
}

/* The version of the archive for this machine, else the one that is not for any. */
static const char *latest_of(const json_t *answer)
{
	size_t i;
	json_t *archive;
	struct utsname machine;
	if (uname(&machine) < 0)
		return NULL;
	json_array_foreach(json_object_get(answer, "archives"), i, archive)
	{
		const char *arch = json_string_value(json_object_get(archive, "arch"));
		if (g_strcmp0(arch, machine.machine) == 0)
			return json_string_value(json_object_get(archive, "version"));
	}
	return json_string_value(json_object_get(answer, "version"));
}

static json_t *ask(const char *server)
{
	g_autoptr(http_client) client = http_client_new("da/" AGNES_VERSION, NULL);
	g_autofree char *url = g_strconcat(server, "/cli/latest", NULL);
	const struct http_call call = {.url = url,
				       .connect_seconds = SECONDS_CONNECT,
				       .idle_seconds = SECONDS_TOTAL,
				       .total_seconds = SECONDS_TOTAL};
	g_autoptr(http_reply) reply = client ? http_client_call(client, &call, NULL) : NULL;
	if (!reply || !http_reply_is_fine(reply))
		return NULL;
	size_t size;
	const char *body = g_bytes_get_data(reply->body, &size);
	return body ? json_loadb(body, size, 0, NULL) : NULL;
}

/* Asks, and remembers the answer or that there was none. */
static json_t *look(const char *server)
{
	g_autoptr(json_t) answer = ask(server);
	const char *latest = latest_of(answer);
	bool is_ours = json_is_array(json_object_get(answer, "archives"));
	g_autofree char *script = g_strconcat(server, "/cli/install.sh", NULL);
	json_t *memory = json_pack("{ss ss ss? ss? sf}", "installed", AGNES_VERSION, "server_url",
				   server, "latest", latest, "download_url",
				   latest && is_ours ? script : NULL, "checked_at", now());
	settings_write_json(memory_file, memory, JSON_COMPACT | JSON_ENSURE_ASCII, NULL);
	return memory;
}

char *update_notice(const char *installed, const char *latest, const char *hint)
{
	if (!g_ascii_isdigit(*installed) || !g_ascii_isdigit(*latest) ||
	    version_compare(installed, latest) >= 0)
		return NULL;
	return g_strdup_printf("[update] da %s is out of date — latest on this server is %s.%s%s",
			       installed, latest, hint ? " Upgrade: " : "", hint ? hint : "");
}

void update_check(struct invocation *invocation)
{
	if (environment_flag("DA_NO_UPDATE_CHECK"))
		return;
	const struct settings *settings = invocation_settings(invocation, NULL);
	if (!settings)
		return;
	g_autoptr(json_t) memory = recall(settings->server);
	if (!memory)
		memory = look(settings->server);
	const char *latest = json_string_value(json_object_get(memory, "latest"));
	const char *script = json_string_value(json_object_get(memory, "download_url"));
	g_autofree char *hint = script ? g_strdup_printf("curl -fsSL %s | bash", script) : NULL;
	g_autofree char *notice = latest ? update_notice(AGNES_VERSION, latest, hint) : NULL;
	if (notice)
		output_warn("%s\n", notice);
}
