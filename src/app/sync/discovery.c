/* Looking at the local connector's folders, and at the files in them when they changed. */
#include "app/sync/discovery.h"

#include "app/sync/found_tables.h"
#include "base/files.h"
#include "connectors/local/files.h"

#include <string.h>

#define SOURCE	      "local"
#define REGISTERED_BY "auto-discovery"

enum {
	DISCOVERY_SECONDS = 60,
	/* A folder that changed only just now may change again in the same tick of the clock. */
	TICK_SECONDS = 2,
};

struct discovery {
	char *seen; /* how the folders looked the last time; NULL: not at all */
};

/* Of the roots those that stand in the data directory, where somebody is to put files. */
static void make_folders(struct app *app)
{
	size_t index;
	const json_t *root;
	g_autoptr(configuration) config = app_config(app);
	g_autofree char *below = g_strconcat(app->data_dir, "/", NULL);
	json_array_foreach((json_t *)config_list(config, "local.roots"), index, root)
	{
		g_autoptr(GError) error = NULL;
		const char *name = json_string_value(root);
		g_autofree char *path = g_canonicalize_filename(name, app->data_dir);
		if (!g_path_is_absolute(name) && g_str_has_prefix(path, below) &&
		    !files_make_folder(path, &error))
			g_warning("%s", error->message);
	}
}

struct discovery *discovery_new(struct app *app)
{
	make_folders(app);
	return g_new0(struct discovery, 1);
}

void discovery_free(struct discovery *discovery)
{
	if (!discovery)
		return;
	g_free(discovery->seen);
	g_free(discovery);
}

/*
 * How the folders look from outside: their names, inodes and times. "": there are none. *settled:
 * whoever sees the same again may believe it.
 */
static char *look(const struct app *app, const struct configuration *config, bool *settled)
{
	size_t index;
	const json_t *root;
	int64_t now = g_get_real_time() / G_USEC_PER_SEC;
	GString *seen = g_string_new(NULL);
	*settled = true;
	json_array_foreach((json_t *)config_list(config, "local.roots"), index, root)
	{
		struct stat status;
		g_autofree char *path = g_canonicalize_filename(json_string_value(root),
								app->data_dir);
		if (stat(path, &status) < 0)
			continue;
		*settled &= status.st_mtim.tv_sec + TICK_SECONDS <= now;
		g_string_append_printf(seen, "%s %ju %jd.%09ld\n", path, (uintmax_t)status.st_ino,
				       (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
	}
	return g_string_free(seen, FALSE);
}

/* Of what was found only files: a folder may be there for other reasons. */
static json_t *only_files(const json_t *found)
{
	size_t index;
	json_t *each, *files = json_array();
	json_array_foreach((json_t *)found, index, each)
	{
		enum local_format format;
		enum local_compression compression;
		const char *file = json_string_value(json_object_get(each, "source_table"));
		if (file && local_file_kind(file, &format, &compression))
			json_array_append(files, each);
	}
	return files;
}

bool discovery_run(struct discovery *discovery, struct app *app, const struct configuration *config,
		   const atomic_bool *cancelled, GError **error)
{
	bool settled;
	g_autofree char *seen = look(app, config, &settled);
	if (!config_bool(config, "local.auto_register") || !*seen ||
	    g_strcmp0(seen, discovery->seen) == 0)
		return true;
	g_autoptr(json_t)
		found = found_tables_ask(app, SOURCE, DISCOVERY_SECONDS, cancelled, error);
	g_autoptr(json_t) files = only_files(found);
	g_autoptr(json_t) ids = json_array();
	struct found_tally tally = {.ids = ids};
	if (!found || !found_tables_register(app, files, REGISTERED_BY, &tally, error))
		return false;
	g_clear_pointer(&discovery->seen, g_free);
	discovery->seen = settled ? g_steal_pointer(&seen) : NULL;
	return true;
}
