/* Notes of the uses of tokens. */
#include "app/auth/token_uses.h"

#include "app/auditor.h"
#include "base/error.h"

#include <string.h>

enum {
	WRITE_SECONDS = 60,
	MOST_KNOWN = 16, /* addresses that are remembered of a token */
};

struct use {
	char *address;	  /* the last one */
	GPtrArray *known; /* addresses, the newest at the end */
	gint64 noted_at;  /* monotonic; of the last write that was asked for */
	bool moved;	  /* the address is another than the one that was written last */
};

struct token_uses {
	struct state *state;
	struct auditor *auditor;
	GMutex lock;
	GHashTable *uses; /* token id → struct use */
	GThreadPool *writer;
};

static void use_free(gpointer data)
{
	struct use *use = data;
	g_ptr_array_unref(use->known);
	g_free(use->address);
	g_free(use);
}

/* Runs on the writer's thread with the id of a token. */
static void write_use(gpointer data, gpointer user_data)
{
	g_autofree char *id = data;
	struct token_uses *uses = user_data;
	g_autoptr(GError) error = NULL;
	g_mutex_lock(&uses->lock);
	struct use *use = g_hash_table_lookup(uses->uses, id);
	g_autofree char *address = use ? g_strdup(use->address) : NULL;
	if (use)
		use->moved = false;
	g_mutex_unlock(&uses->lock);
	if (!tokens_mark_used(uses->state, id, address, &error) &&
	    !g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND))
		g_warning("cannot note the use of a token: %s", error->message);
}

struct token_uses *token_uses_new(struct state *state, struct auditor *auditor)
{
	struct token_uses *uses = g_new0(struct token_uses, 1);
	g_mutex_init(&uses->lock);
	uses->state = state;
	uses->auditor = auditor;
	uses->uses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, use_free);
	uses->writer = g_thread_pool_new(write_use, uses, 1, TRUE, NULL);
	return uses;
}

/* A known address is not written at once, but the last one shall not be lost. */
static void write_moved(struct token_uses *uses)
{
	GHashTableIter each;
	gpointer id, use;
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uses->lock);
	g_hash_table_iter_init(&each, uses->uses);
	while (g_hash_table_iter_next(&each, &id, &use)) {
		if (((const struct use *)use)->moved)
			g_thread_pool_push(uses->writer, g_strdup(id), NULL);
	}
}

void token_uses_free(struct token_uses *uses)
{
	if (!uses)
		return;
	write_moved(uses);
	g_thread_pool_free(uses->writer, FALSE, TRUE);
	g_hash_table_unref(uses->uses);
	g_mutex_clear(&uses->lock);
	g_free(uses);
}

static void audit_new_address(struct token_uses *uses, const struct token *token,
			      const char *address, const char *previous)
{
	g_autofree char *resource = g_strconcat("token:", token->id, NULL);
	const struct audit_note note = {.user_id = token->user_id,
					.action = "token.first_use_new_ip",
					.resource = resource,
					.duration_ms = -1};
	auditor_record(uses->auditor, &note,
		       json_pack("{ss ss}", "ip", address, "previous_ip", previous));
}

/* The use of this token that is remembered; made from its row the first time. */
static struct use *use_of(struct token_uses *uses, const struct token *token)
{
	struct use *use = g_hash_table_lookup(uses->uses, token->id);
	if (use)
		return use;
	use = g_new0(struct use, 1);
	use->address = g_strdup(token->last_used_ip);
	use->known = g_ptr_array_new_with_free_func(g_free);
	if (use->address)
		g_ptr_array_add(use->known, g_strdup(use->address));
	g_hash_table_insert(uses->uses, g_strdup(token->id), use);
	return use;
}

/* Whether the address was not known; it is from now on. A token that is used from two machines by
 * turns has no new address at every request. */
static bool learn(struct use *use, const char *address)
{
	if (g_ptr_array_find_with_equal_func(use->known, address, g_str_equal, NULL))
		return false;
	if (use->known->len >= MOST_KNOWN)
		g_ptr_array_remove_index(use->known, 0);
	g_ptr_array_add(use->known, g_strdup(address));
	return true;
}

void token_uses_note(struct token_uses *uses, const struct token *token, const char *address)
{
	gint64 now = g_get_monotonic_time();
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&uses->lock);
	struct use *use = use_of(uses, token);
	bool is_new = learn(use, address);
	if (is_new && use->address)
		audit_new_address(uses, token, address, use->address);
	if (g_strcmp0(use->address, address) != 0) {
		g_free(use->address);
		use->address = g_strdup(address);
		use->moved = true;
	}
	if (!is_new && use->noted_at && now - use->noted_at < WRITE_SECONDS * G_TIME_SPAN_SECOND)
		return;
	use->noted_at = now;
	g_thread_pool_push(uses->writer, g_strdup(token->id), NULL);
}
