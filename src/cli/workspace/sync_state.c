/* Reading and writing the state. */
#include "cli/workspace/sync_state.h"

#include "base/beneath.h"
#include "base/error.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { STATE_LIMIT = 256 * 1024 * 1024, NS_PER_SECOND = 1000 * 1000 * 1000 };

bool file_mark_take(int folder, const char *name, struct file_mark *mark)
{
	struct stat status;
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode))
		return false;
	*mark = (struct file_mark){
		.size = status.st_size,
		.mtime_ns = (int64_t)status.st_mtim.tv_sec * NS_PER_SECOND + status.st_mtim.tv_nsec,
		.inode = status.st_ino,
	};
	return true;
}

bool file_mark_equal(const struct file_mark *one, const struct file_mark *other)
{
	return one->size == other->size && one->mtime_ns == other->mtime_ns &&
	       one->inode == other->inode;
}

static void free_table(void *data)
{
	struct synced_table *table = data;
	g_free(table->hash);
	g_free(table->etag);
	g_free(table);
}

struct synced_table *synced_table_new(const char *hash, int64_t rows, int64_t size_bytes,
				      const struct file_mark *mark)
{
	struct synced_table *table = g_new(struct synced_table, 1);
	*table = (struct synced_table){
		.hash = g_strdup(hash), .rows = rows, .size_bytes = size_bytes, .mark = *mark};
	return table;
}

struct sync_state *sync_state_new(void)
{
	struct sync_state *state = g_new0(struct sync_state, 1);
	state->tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_table);
	return state;
}

void sync_state_free(struct sync_state *state)
{
	if (!state)
		return;
	g_hash_table_unref(state->tables);
	g_free(state->server);
	g_free(state->root);
	g_free(state->last_sync);
	g_free(state);
}

static void read_table(struct sync_state *state, const char *name, const json_t *value)
{
	const char *hash = NULL, *etag = NULL;
	json_int_t rows = 0, size_bytes = 0, size = -1, mtime = 0, inode = 0;
	int has_view = 0;
	if (json_unpack((json_t *)value, "{s?s s?s s?I s?I s?b s?[I I I]}", "hash", &hash, "etag",
			&etag, "rows", &rows, "size_bytes", &size_bytes, "view", &has_view, "file",
			&size, &mtime, &inode) < 0)
		return; /* as if it were not there: then its file is looked at */
	const struct file_mark mark = {.size = size, .mtime_ns = mtime, .inode = (uint64_t)inode};
	struct synced_table *table = synced_table_new(hash ? hash : "", rows, size_bytes, &mark);
	table->etag = g_strdup(etag);
	table->has_view = has_view;
	g_hash_table_insert(state->tables, g_strdup(name), table);
}

static struct sync_state *read_state(const json_t *root, GError **error)
{
	const char *name, *server = NULL, *place = NULL, *last_sync = NULL;
	json_t *tables, *value;
	if (json_unpack((json_t *)root, "{s:o s?s s?s s?s}", "tables", &tables, "server", &server,
			"root", &place, "last_sync", &last_sync) < 0 ||
	    !json_is_object(tables)) {
		g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CORRUPT,
				    SYNC_STATE_FILE " is not the state of a workspace");
		return NULL;
	}
	struct sync_state *state = sync_state_new();
	state->server = g_strdup(server);
	state->root = g_strdup(place);
	state->last_sync = g_strdup(last_sync);
	json_object_foreach(tables, name, value) read_table(state, name, value);
	return state;
}

struct sync_state *sync_state_load(const struct workspace *workspace, GError **error)
{
	size_t size;
	g_autoptr(GError) cause = NULL;
	g_autofree char *text = workspace_read(workspace, SYNC_STATE_FILE, STATE_LIMIT, &size,
					       &cause);
	if (!text && cause->code == AGNES_ERROR_NOT_FOUND)
		return sync_state_new();
	if (!text) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	g_autoptr(json_t) root = json_parse(text, size, SYNC_STATE_FILE, &cause);
	if (root)
		return read_state(root, error);
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CORRUPT, cause->message);
	return NULL;
}

static json_t *describe(const struct synced_table *table)
{
	return json_pack("{ss sI sI}", "hash", table->hash, "rows", (json_int_t)table->rows,
			 "size_bytes", (json_int_t)table->size_bytes);
}

static json_t *describe_tables(const struct sync_state *state, bool with_files)
{
	json_t *tables = json_object();
	void *name, *value;
	GHashTableIter iter;
	g_hash_table_iter_init(&iter, state->tables);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const struct synced_table *table = value;
		json_t *described = describe(table);
		if (with_files) {
			json_object_set_new(described, "file",
					    json_pack("[III]", (json_int_t)table->mark.size,
						      (json_int_t)table->mark.mtime_ns,
						      (json_int_t)table->mark.inode));
			json_object_set_new(described, "view", json_boolean(table->has_view));
			if (table->etag)
				json_object_set_new(described, "etag", json_string(table->etag));
		}
		json_object_set_new(tables, name, described);
	}
	return tables;
}

json_t *sync_state_tables(const struct sync_state *state)
{
	return describe_tables(state, false);
}

bool sync_state_save(const struct sync_state *state, const struct workspace *workspace,
		     bool durable, GError **error)
{
	g_autoptr(json_t) root = json_pack(
		"{so ss* ss* ss*}", "tables", describe_tables(state, true), "last_sync",
		state->last_sync, "server", state->server, "root", state->root);
	g_autofree char *text = json_to_text(root);
	return workspace_write(workspace, SYNC_STATE_FILE, text, strlen(text), durable, error);
}

void sync_state_set_aside(const struct workspace *workspace)
{
	AUTO_FD folder = workspace_folder(workspace, "server", NULL);
	g_autofree char *name = g_path_get_basename(SYNC_STATE_FILE);
	g_autofree char *aside = g_strconcat(name, ".broken", NULL);
	if (folder >= 0 && renameat(folder, name, folder, aside) < 0)
		g_debug("cannot rename %s", SYNC_STATE_FILE);
}

void sync_state_stamp(struct sync_state *state)
{
	g_free(state->last_sync);
	state->last_sync = workspace_now();
}
