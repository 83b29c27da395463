/* Looking into files. */
#include "cli/sync/adopt.h"

#include "base/hash.h"
#include "cli/sync/download.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool has_content(int folder, const char *name, const struct offered_table *table)
{
	AUTO_FD fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || !download_is_parquet(fd))
		return false;
	if (!sync_hash_is_md5(table->hash))
		return true;
	g_autofree char *sum = hash_descriptor(fd, name, NULL);
	return g_strcmp0(sum, table->hash) == 0;
}

/* Only by its MD5: nothing else tells which version lies there. */
static bool link_old(const struct workspace *workspace, int folder, const char *name,
		     const struct offered_table *table)
{
	struct file_mark mark;
	if (!sync_hash_is_md5(table->hash))
		return false;
	AUTO_FD old = workspace_folder(workspace, WORKSPACE_OLD_PARQUET, NULL);
	if (old < 0 || !file_mark_take(old, name, &mark) ||
	    (table->size_bytes > 0 && mark.size != table->size_bytes) ||
	    !has_content(old, name, table))
		return false;
	/* Over a file of an older version in one step, as a download would. */
	g_autofree char *part = g_strdup_printf("%s.%08x.part", name, g_random_int());
	return linkat(old, name, folder, part, 0) == 0 && renameat(folder, part, folder, name) == 0;
}

bool sync_adopt(const struct workspace *workspace, int folder, const struct sync_step *step,
		struct file_mark *mark)
{
	g_autofree char *name = sync_file_name(step->table->name);
	bool adopted = step->action == SYNC_CHECK ? has_content(folder, name, step->table)
						  : link_old(workspace, folder, name, step->table);
	return adopted && file_mark_take(folder, name, mark);
}
