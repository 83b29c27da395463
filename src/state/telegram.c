/* The tables `telegram_links` and `pending_codes`. */
#include "state/telegram.h"

#include "base/error.h"
#include "state/store.h"

#include <errno.h>
#include <sys/random.h>

enum {
	CODES = 1000000, /* 10 to the power of TELEGRAM_CODE_DIGITS */
	CODE_TRIES = 32, /* to find one that no other chat has */
};

static const struct record_field fields[] = {
	RECORD_FIELD(struct telegram_link, user_id, RECORD_KEY),
	RECORD_FIELD(struct telegram_link, chat_id, RECORD_PLAIN),
	RECORD_TIME(struct telegram_link, linked_at, RECORD_PLAIN),
};
const struct record_type telegram_link_type = RECORD_TYPE("Telegram link", "telegram_links",
							  struct telegram_link, fields);

struct telegram_link *telegram_find_link(struct state *state, const char *user_id, GError **error)
{
	return store_find(state, error, &telegram_link_type, "WHERE user_id = ?", "s", user_id);
}

struct telegram_link *telegram_find_link_of_chat(struct state *state, int64_t chat_id,
						 GError **error)
{
	return store_find(state, error, &telegram_link_type,
			  "WHERE chat_id = ? ORDER BY linked_at DESC NULLS LAST, user_id", "i",
			  chat_id);
}

bool telegram_link(struct state *state, const char *user_id, int64_t chat_id, GError **error)
{
	struct telegram_link row = {user_id, chat_id, g_get_real_time()};
	return store_upsert(state, &telegram_link_type, &row, error);
}

bool telegram_unlink(struct state *state, const char *user_id, GError **error)
{
	return store_change(state, error, "DELETE FROM telegram_links WHERE user_id = ?", "s",
			    user_id) >= 0;
}

static int64_t oldest_valid(void)
{
	return g_get_real_time() - TELEGRAM_CODE_SECONDS * G_TIME_SPAN_SECOND;
}

/* Every code is equally likely, and none can be foreseen. */
static bool draw_code(uint32_t *code, GError **error)
{
	do {
		if (getrandom(code, sizeof(*code), 0) != (ssize_t)sizeof(*code)) {
			agnes_set_errno(error, errno, "cannot draw a code");
			return false;
		}
	} while (*code >= UINT32_MAX - UINT32_MAX % CODES);
	*code %= CODES;
	return true;
}

char *telegram_create_code(struct state *state, int64_t chat_id, GError **error)
{
	g_auto(state_session) session = {0};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_exec(session.connection, error,
		       "DELETE FROM pending_codes WHERE chat_id = ? OR created_at < ?", "it",
		       chat_id, oldest_valid()))
		return NULL;
	for (int i = 0; i < CODE_TRIES; i++) {
		uint32_t drawn;
		if (!draw_code(&drawn, error))
			return NULL;
		g_autofree char *code = g_strdup_printf("%0*u", TELEGRAM_CODE_DIGITS, drawn);
		int64_t inserted = duck_change(
			session.connection, error,
			"INSERT OR IGNORE INTO pending_codes (code, chat_id, created_at) "
			"VALUES (?, ?, ?)",
			"sit", code, chat_id, g_get_real_time());
		if (inserted != 0)
			return inserted > 0 ? g_steal_pointer(&code) : NULL;
	}
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_BUSY,
			    "too many codes wait to be used; try again in some minutes");
	return NULL;
}

/* Of two callers with one code only one deletes its row. */
static bool take_code(struct duck_connection *connection, const char *code, int64_t *chat_id,
		      GError **error)
{
	g_autoptr(duck_rows) rows = duck_query(connection, error,
					       "DELETE FROM pending_codes WHERE code = ? "
					       "AND created_at >= ? RETURNING chat_id",
					       "st", code, oldest_valid());
	if (!rows)
		return false;
	if (!duck_rows_next(rows)) {
		g_set_error_literal(
			error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND,
			"the code is unknown, used or too old; ask the bot for another");
		return false;
	}
	*chat_id = duck_rows_int(rows, 0);
	return true;
}

struct telegram_link *telegram_redeem_code(struct state *state, const char *code,
					   const char *user_id, GError **error)
{
	g_auto(state_session) session = {0};
	g_auto(duck_transaction) transaction = {0};
	struct telegram_link row = {user_id, 0, g_get_real_time()};
	if (!state_session_begin(&session, state, STATE_WRITE, error) ||
	    !duck_transaction_begin(&transaction, session.connection, error) ||
	    !take_code(session.connection, code, &row.chat_id, error) ||
	    !record_upsert(session.connection, &telegram_link_type, &row, error) ||
	    !duck_transaction_commit(&transaction, error))
		return NULL;
	return record_find(session.connection, error, &telegram_link_type, "WHERE user_id = ?", "s",
			   user_id);
}
