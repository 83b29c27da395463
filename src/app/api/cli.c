/* /cli: the client program, and the script that installs it. */
#include "app/app.h"
#include "app/cli_archives.h"
#include "app/links.h"
#include "app/routes.h"
#include "app/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

/* --- what there is --- */

static json_t *describe(const struct cli_archive *archive)
{
	g_autofree char *path = g_strconcat("/cli/wheel/", archive->name, NULL);
	return json_pack("{ss ss ss so ss}", "arch", archive->arch, "version", archive->version,
			 "filename", archive->name, "sha256", wire_text(archive->sha256),
			 "download_url_path", path);
}

/*
 * Clients in Python look at the first three members and would offer to install what they name by
 * uv: for them there is nothing.
 */
static struct http_response *get_latest(struct http_request *request)
{
	g_autoptr(GPtrArray) list = cli_archives_list(app_of(request)->cli_archives);
	json_t *archives = json_array();
	for (guint i = 0; i < list->len; i++)
		json_array_append_new(archives, describe(list->pdata[i]));
	return http_json(200, json_pack("{sn sn sn so}", "version", "wheel_filename",
					"download_url_path", "archives", archives));
}

static struct http_response *send_archive(const struct cli_archive *archive)
{
	int fd = archive->sha256 ? open(archive->path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		g_warning("cannot hand out %s: %s", archive->path, g_strerror(errno));
		return http_refuse(404, "The client cannot be read on this server");
	}
	struct http_response *response = http_file(fd, "application/octet-stream", archive->sha256);
	http_response_attachment(response, archive->name);
	return response;
}

/* For who does not say which, that of the server's own machine. */
static const char *own_arch(struct utsname *machine)
{
	return uname(machine) == 0 ? machine->machine : "";
}

static struct http_response *download(struct http_request *request)
{
	struct utsname machine;
	const char *arch = http_request_text(request, "arch");
	g_autoptr(GPtrArray) list = cli_archives_list(app_of(request)->cli_archives);
	for (guint i = 0; i < list->len; i++) {
		const struct cli_archive *archive = list->pdata[i];
		if (strcmp(archive->arch, arch ? arch : own_arch(&machine)) == 0)
			return send_archive(archive);
	}
	return http_refuse(404, "This server has no client for that machine; its operator puts "
				"da-<version>-linux-<arch>.tar.gz into AGNES_CLI_DIST_DIR");
}

/* The name is compared, never used as a path. */
static struct http_response *download_named(struct http_request *request)
{
	const char *name = http_request_text(request, "wheel_name");
	g_autoptr(GPtrArray) list = cli_archives_list(app_of(request)->cli_archives);
	for (guint i = 0; i < list->len; i++) {
		const struct cli_archive *archive = list->pdata[i];
		if (strcmp(archive->name, name) == 0)
			return send_archive(archive);
	}
	return http_refuse(404, "Wheel not found");
}

/* --- the script --- */

static const char script_start[] =
	"# Installs da, the client of this server, for the user who runs it.\n"
	"set -euo pipefail\n\n";

static const char script_end[] =
	"*)\n"
	"\techo \"$SERVER has no client for $(uname -s) on $(uname -m)\" >&2\n"
	"\texit 1\n"
	"\t;;\n"
	"esac\n\n"
	"PROGRAMS=\"${DA_INSTALL_DIR:-$HOME/.local/share/agnes}\"\n"
	"BIN=\"$HOME/.local/bin\"\n"
	"CONFIG=\"${DA_CONFIG_DIR:-$HOME/.config/da}\"\n"
	"mkdir -p \"$PROGRAMS\" \"$BIN\" \"$CONFIG\"\n"
	"TEMPORARY=\"$(mktemp -d \"$PROGRAMS/install.XXXXXX\")\"\n"
	"trap 'rm -rf \"$TEMPORARY\"' EXIT\n\n"
	"curl -fsSL -o \"$TEMPORARY/$ARCHIVE\" \"$SERVER/cli/download?arch=$ARCH\"\n"
	"if ! (cd \"$TEMPORARY\" && echo \"$SHA256  $ARCHIVE\" | sha256sum -c - >/dev/null); then\n"
	"\techo \"$ARCHIVE is not what $SERVER announced; try again\" >&2\n"
	"\texit 1\n"
	"fi\n"
	"mkdir \"$TEMPORARY/new\"\n"
	"tar -xzf \"$TEMPORARY/$ARCHIVE\" -C \"$TEMPORARY/new\" --strip-components=1\n"
	"\"$TEMPORARY/new/bin/da\" --version\n"
	"rm -rf \"$PROGRAMS/da-$VERSION\"\n"
	"mv \"$TEMPORARY/new\" \"$PROGRAMS/da-$VERSION\"\n"
	"for name in da agnes; do\n"
	"\tln -sfn \"$PROGRAMS/da-$VERSION/bin/da\" \"$BIN/$name\"\n"
	"done\n\n"
	"{\n"
	"\techo \"server: $SERVER\"\n"
	"\tgrep -v '^server:' \"$CONFIG/config.yaml\" 2>/dev/null || true\n"
	"} >\"$TEMPORARY/config.yaml\"\n"
	"mv \"$TEMPORARY/config.yaml\" \"$CONFIG/config.yaml\"\n\n"
	"cat <<END\n"
	"\nInstalled $BIN/da $VERSION. Next:\n\n"
	"  1. da auth login      (or, with a token: export DA_TOKEN=<the token>)\n"
	"  2. da auth whoami\n\n"
	"For programs, 'da auth token create' makes tokens of their own.\n"
	"END\n"
	"case \":$PATH:\" in\n"
	"*\":$BIN:\"*) ;;\n"
	"*) echo \"$BIN is not in PATH; add it to use da.\" ;;\n"
	"esac\n";

static void add_variable(GString *script, const char *indent, const char *name, const char *value)
{
	g_autofree char *quoted = g_shell_quote(value);
	g_string_append_printf(script, "%s%s=%s\n", indent, name, quoted);
}

/* uname calls some machines otherwise than archives do. */
static const char *other_name(const char *arch)
{
	return strcmp(arch, "x86_64") == 0    ? " | Linux-amd64"
	       : strcmp(arch, "arm64") == 0   ? " | Linux-aarch64"
	       : strcmp(arch, "aarch64") == 0 ? " | Linux-arm64"
					      : "";
}

static void add_archive(GString *script, const struct cli_archive *archive)
{
	if (!archive->sha256)
		return;
	g_string_append_printf(script, "Linux-%s%s)\n", archive->arch, other_name(archive->arch));
	add_variable(script, "\t", "ARCH", archive->arch);
	add_variable(script, "\t", "VERSION", archive->version);
	add_variable(script, "\t", "ARCHIVE", archive->name);
	add_variable(script, "\t", "SHA256", archive->sha256);
	g_string_append(script, "\t;;\n");
}

/* It ends up in a shell: nothing but what addresses are made of. */
static bool is_server_url(const char *url)
{
	return g_regex_match_simple("\\Ahttps?://[A-Za-z0-9._\\-\\[\\]:]+(?::[0-9]+)?"
				    "(?:/[A-Za-z0-9._\\-/]*)?\\z",
				    url, 0, 0);
}

static const char *server_version(void)
{
	const char *version = g_getenv("AGNES_VERSION");
	bool safe = version && g_regex_match_simple("\\A[A-Za-z0-9._-]+\\z", version, 0, 0);
	return safe ? version : "dev";
}

static struct http_response *get_install_script(struct http_request *request)
{
	g_autofree char *base = links_base(request);
	if (!base || !is_server_url(base))
		return http_refuse(400, "Unexpected server URL format");
	g_autoptr(GPtrArray) list = cli_archives_list(app_of(request)->cli_archives);
	g_autoptr(GString) script = g_string_new("#!/usr/bin/env bash\n");
	g_string_append_printf(script, "# From Agnes %s.\n", server_version());
	g_string_append(script, script_start);
	add_variable(script, "", "SERVER", base);
	g_string_append(script, "case \"$(uname -s)-$(uname -m)\" in\n");
	for (guint i = 0; i < list->len; i++)
		add_archive(script, list->pdata[i]);
	g_string_append(script, script_end);
	return http_text(200, "text/plain; charset=utf-8",
			 g_string_free(g_steal_pointer(&script), FALSE));
}

static const struct http_field download_fields[] = {
	{"arch", HTTP_IN_QUERY, HTTP_STRING, .nullable = true,
	 .meaning = "of the machine, such as x86_64; else that of the server"},
	{0},
};
static const struct http_field name_fields[] = {
	{"wheel_name", HTTP_IN_PATH, HTTP_STRING, .required = true,
	 .meaning = "as /cli/latest names it"},
	{0},
};
static const struct http_answer files[] = {
	{200, "The archive; its ETag is its SHA-256"}, {404, "There is none"}, {0}};
static const struct http_answer scripts[] = {
	{200, "A script for bash"}, {400, "The address of the server cannot be told"}, {0}};

const struct http_route cli_routes[] = {
	{HTTP_GET, "/cli/latest", ACCESS_ANYBODY, HTTP_BLOCKING, .tag = "cli",
	 .summary = "Which client programs this server hands out", .handle = get_latest},
	{HTTP_GET, "/cli/download", ACCESS_ANYBODY, HTTP_BLOCKING, .fields = download_fields,
	 .tag = "cli", .answers = files, .summary = "The newest client", .handle = download},
	{HTTP_GET, "/cli/wheel/{wheel_name}", ACCESS_ANYBODY, HTTP_BLOCKING, .fields = name_fields,
	 .tag = "cli", .answers = files, .summary = "The newest client, by the name of its file",
	 .handle = download_named},
	{HTTP_GET, "/cli/install.sh", ACCESS_ANYBODY, HTTP_BLOCKING, .tag = "cli",
	 .answers = scripts, .summary = "A script that installs the client",
	 .handle = get_install_script},
	{0},
};
