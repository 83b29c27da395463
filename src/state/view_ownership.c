/* The table `view_ownership`. */
#include "state/view_ownership.h"

#include "duck/sql.h"
#include "state/store.h"

static const struct record_field fields[] = {
	RECORD_FIELD(struct view_owner, view_name, RECORD_KEY),
	RECORD_FIELD(struct view_owner, source_name, RECORD_PLAIN),
	RECORD_TIME(struct view_owner, registered_at, RECORD_PLAIN),
};
const struct record_type view_owner_type = RECORD_TYPE("view owner", "view_ownership",
						       struct view_owner, fields);

/* The list that is the parameter, as rows of (name, place), without repetitions. */
#define NAMES                                                                               \
	"(SELECT name, place FROM unnest(?::VARCHAR[]) WITH ORDINALITY AS n (name, place) " \
	"QUALIFY row_number() OVER (PARTITION BY lower(name) ORDER BY place) = 1)"

static char **owned_names(struct duck_connection *connection, const char *source, char **names,
			  GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(
		connection, error,
		"SELECT name FROM " NAMES " WHERE lower(name) IN (SELECT lower(view_name) "
		"FROM view_ownership WHERE source_name = ?) ORDER BY place",
		"as", names, source);
	if (!rows)
		return NULL;
	g_autoptr(GStrvBuilder) owned = g_strv_builder_new();
	while (duck_rows_next(rows))
		g_strv_builder_add(owned, duck_rows_text(rows, 0));
	return g_strv_builder_end(owned);
}

char **view_ownership_claim(struct state *state, const char *source, char **names, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_exec(session.connection, error,
		       "INSERT INTO view_ownership (view_name, source_name, registered_at) "
		       "SELECT name, ?, ? FROM " NAMES " WHERE lower(name) NOT IN "
		       "(SELECT lower(view_name) FROM view_ownership)",
		       "sta", source, g_get_real_time(), names))
		return NULL;
	return owned_names(session.connection, source, names, error);
}

bool view_ownership_release(struct state *state, const char *name, const char *source,
			    GError **error)
{
	return store_delete(state, error, &view_owner_type,
			    "WHERE lower(view_name) = lower(?) AND source_name = ?", "ss", name,
			    source);
}

/* The two lists that are the parameters hold the names and the sources that live. */
#define DEAD                                                                               \
	"WHERE (lower(view_name), source_name) NOT IN (SELECT (lower(name), source) FROM " \
	"(SELECT unnest(?::VARCHAR[]) AS name, unnest(?::VARCHAR[]) AS source))"

static GPtrArray *delete_dead(struct duck_connection *connection, char **names, char **sources,
			      GError **error)
{
	g_auto(duck_transaction) transaction = {0};
	if (!duck_transaction_begin(&transaction, connection, error))
		return NULL;
	g_autoptr(GPtrArray) dead = record_query(connection, error, &view_owner_type,
						 DEAD " ORDER BY view_name", "aa", names, sources);
	if (!dead ||
	    (dead->len > 0 &&
	     !record_delete(connection, error, &view_owner_type, DEAD, "aa", names, sources)) ||
	    !duck_transaction_commit(&transaction, error))
		return NULL;
	return g_steal_pointer(&dead);
}

GPtrArray *view_ownership_reconcile(struct state *state, const GPtrArray *live, GError **error)
{
	g_autoptr(GStrvBuilder) name_list = g_strv_builder_new();
	g_autoptr(GStrvBuilder) source_list = g_strv_builder_new();
	for (guint i = 0; i < live->len; i++) {
		const struct view_owner *owner = live->pdata[i];
		g_strv_builder_add(name_list, owner->view_name);
		g_strv_builder_add(source_list, owner->source_name);
	}
	g_auto(GStrv) names = g_strv_builder_end(name_list);
	g_auto(GStrv) sources = g_strv_builder_end(source_list);
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error))
		return NULL;
	return delete_dead(session.connection, names, sources, error);
}

GPtrArray *view_ownership_list(struct state *state, const char *source, GError **error)
{
	return store_query(state, error, &view_owner_type,
			   "WHERE source_name = coalesce(?, source_name) ORDER BY view_name", "s",
			   source);
}
