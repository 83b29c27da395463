/* Downloading, measuring, installing. */
#include "cli/engine/scan.h"

#include "base/error.h"
#include "base/files.h"
#include "cli/engine/views.h"
#include "cli/output.h"
#include "cli/workspace/snapshots.h"
#include "duck/query.h"
#include "duck/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MODE = 0600 };

#define PARQUET_TYPE "application/vnd.apache.parquet"

/* The file that the answer goes to, in the folder of the snapshots. */
struct target {
	int folder, fd;
	char *name;
	bool truncated;
};

static void target_clear(struct target *target)
{
	if (target->name && target->folder >= 0)
		unlinkat(target->folder, target->name, 0); /* gone already if all went well */
	descriptor_close(&target->fd);
	descriptor_close(&target->folder);
	g_free(target->name);
}
DEFINE_AUTO(target)

static bool target_open(struct target *target, const struct workspace *workspace, GError **error)
{
	target->folder = workspace_make_folder(workspace, WORKSPACE_SNAPSHOTS, error);
	if (target->folder < 0)
		return false;
	target->name = g_strdup_printf(".fetch.%08x.tmp", g_random_int());
	target->fd = openat(target->folder, target->name,
			    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (target->fd < 0)
		agnes_set_errno(error, errno, "cannot write in %s/" WORKSPACE_SNAPSHOTS,
				workspace_root(workspace));
	return target->fd >= 0;
}

static bool receive(const struct http_reply *reply, const void *data, size_t size, void *receiver,
		    GError **error)
{
	struct target *target = receiver;
	const char *type = http_reply_header(reply, "Content-Type");
	if (!type || !strstr(type, PARQUET_TYPE)) {
		g_set_error(error, AGNES_ERROR, AGNES_ERROR_UNSUPPORTED,
			    "this server sends scans as %s only, and not as parquet, which "
			    "snapshots are made of; it must be updated",
			    type ? type : "something unknown");
		return false;
	}
	if (files_write_all(target->fd, data, size))
		return true;
	agnes_set_errno(error, errno, "cannot write the snapshot");
	return false;
}

static int download(const struct scan *scan, struct target *target)
{
	g_autoptr(api_reply) reply = NULL;
	const struct api_call call = {.path = "/api/v2/scan",
				      .body = scan->request,
				      .accept = PARQUET_TYPE,
				      .seconds = API_SECONDS_QUERY,
				      .failure = scan->failure,
				      .codes = scan->codes,
				      .receive = receive,
				      .receiver = target};
	int code = api_ask(scan->invocation, &call, &reply);
	const char *cut = code ? NULL : http_reply_header(reply->reply, "X-Agnes-Truncated");
	target->truncated = cut && strcmp(cut, "true") == 0;
	return code;
}

/* How many rows it has, which also shows that DuckDB can read it. */
static bool count_rows(const struct scan *scan, struct duck_connection *connection,
		       const struct target *target, GError **error)
{
	g_autofree char *below = g_build_filename(WORKSPACE_SNAPSHOTS, target->name, NULL);
	g_autofree char *path = workspace_path(scan->workspace, below);
	g_autofree char *sql = duck_sql("SELECT count(*) FROM read_parquet(%L)", path);
	g_autoptr(duck_rows) rows = duck_query(connection, error, sql, NULL);
	if (!rows)
		return false;
	duck_rows_next(rows);
	json_object_set_new(scan->sidecar, "rows", json_integer(duck_rows_int(rows, 0)));
	return true;
}

static bool exists(const struct scan *scan, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(json_t) sidecar = snapshot_read(scan->workspace, name, &error);
	return sidecar || error->code != AGNES_ERROR_NOT_FOUND;
}

static bool install(const struct scan *scan, const struct target *target, const char *name,
		    GError **error)
{
	g_autoptr(duck_database) database = views_open(scan->workspace, error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, error) : NULL;
	g_autofree char *now = workspace_now();
	json_object_set_new(scan->sidecar, "fetched_at", json_string(now));
	json_object_set_new(scan->sidecar, "effective_as_of", json_string(now));
	return connection && views_check_snapshot(connection, name, error) &&
	       count_rows(scan, connection, target, error) &&
	       snapshot_install(scan->workspace, target->name, scan->sidecar, error) &&
	       views_add_snapshot(connection, scan->workspace, name, error);
}

int scan_check_name(const struct workspace *workspace, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(duck_database) database = views_open(workspace, &error);
	g_autoptr(duck_connection) connection = database ? duck_connect(database, &error) : NULL;
	if (connection && views_check_snapshot(connection, name, &error))
		return EXIT_CODE_OK;
	int code = command_fail(error);
	return error->code == AGNES_ERROR_CONFLICT ? EXIT_CODE_USAGE : code;
}

int scan_run(const struct scan *scan)
{
	g_autoptr(GError) error = NULL;
	const char *name = json_string_value(json_object_get(scan->sidecar, "name"));
	g_auto(target) target = {.folder = -1, .fd = -1};
	if (!target_open(&target, scan->workspace, &error))
		return command_fail(error);
	int code = download(scan, &target);
	if (code)
		return code;
	AUTO_FD lock = snapshots_lock(scan->workspace, &error);
	if (lock < 0)
		return command_fail(error);
	if (!scan->replaces && exists(scan, name)) {
		output_warn("Error: a concurrent da fetch has made the snapshot '%s' meanwhile\n",
			    name);
		return EXIT_CODE_EXISTS;
	}
	if (!install(scan, &target, name, &error))
		return command_fail(error);
	if (target.truncated)
		output_warn("Warning: the server cut the result at its size limit; narrow it with "
			    "--select, --where or --limit\n");
	return EXIT_CODE_OK;
}
