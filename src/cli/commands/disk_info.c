/* da disk-info: how much room snapshots take, and how much there is. */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/workspace/workspace.h"

#include <errno.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { DEFAULT_QUOTA_GB = 10 };

struct usage {
	int64_t used, free;
	size_t snapshots;
};

static void add_entry(struct usage *usage, const FTSENT *entry)
{
	if (entry->fts_info != FTS_F)
		return;
	usage->used += entry->fts_statp->st_size;
	usage->snapshots += entry->fts_level == 1 && g_str_has_suffix(entry->fts_name, ".parquet");
}

static bool look(const struct workspace *workspace, char *folder, struct usage *usage,
		 GError **error)
{
	struct statvfs disk;
	char *const paths[] = {folder, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;
	while (walk && (entry = fts_read(walk)))
		add_entry(usage, entry);
	if (walk)
		fts_close(walk);
	if (statvfs(folder, &disk) < 0 && statvfs(workspace_root(workspace), &disk) < 0) {
		agnes_set_errno(error, errno, "cannot look at the disk of %s",
				workspace_root(workspace));
		return false;
	}
	usage->free = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	return true;
}

static int64_t quota(void)
{
	gint64 value;
	const char *text = g_getenv("AGNES_SNAPSHOT_QUOTA_GB");
	bool given = text && g_ascii_string_to_signed(text, 10, 0, G_MAXINT32, &value, NULL);
	return given ? value : DEFAULT_QUOTA_GB;
}

static void print_text(const char *folder, const struct usage *usage)
{
	g_autofree char *used = output_size(usage->used);
	g_autofree char *available = output_size(usage->free);
	output_print("Snapshots dir:    %s\n"
		     "Used by Agnes:    %s across %zu snapshots\n"
		     "Free disk:        %s\n"
		     "Configured cap:   %" G_GINT64_FORMAT
		     " GB (set AGNES_SNAPSHOT_QUOTA_GB to override)\n",
		     folder, used, usage->snapshots, available, quota());
}

static int run(struct invocation *invocation)
{
	struct usage usage = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(workspace) workspace = workspace_open(NULL, &error);
	if (!workspace)
		return command_fail(error);
	g_autofree char *folder = workspace_path(workspace, WORKSPACE_SNAPSHOTS);
	if (!look(workspace, folder, &usage, &error))
		return command_fail(error);
	if (!invocation_flag(invocation, "json")) {
		print_text(folder, &usage);
		return EXIT_CODE_OK;
	}
	/* On one line, unlike the others. */
	g_autoptr(json_t) answer = json_pack(
		"{ss sI sI sI sI}", "snapshots_dir", folder, "used_bytes", (json_int_t)usage.used,
		"snapshot_count", (json_int_t)usage.snapshots, "free_bytes", (json_int_t)usage.free,
		"quota_gb", (json_int_t)quota());
	char *text = json_dumps(answer, JSON_ENSURE_ASCII);
	output_print("%s\n", text);
	free(text);
	return EXIT_CODE_OK;
}

static const struct option options[] = {
	OPTION_JSON,
	{0},
};

const struct command command_disk_info = {
	"disk-info",	    "Show how much room the snapshots take",
	.options = options, .traits = COMMAND_OFFLINE,
	.run = run,
};
