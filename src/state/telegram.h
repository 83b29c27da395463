/*
 * Which Telegram chat belongs to which user, and the codes by which a user proves it: the bot hands
 * a code to a chat, the signed-in user types it.
 */
#pragma once

#include "state/record.h"
#include "state/state.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TELEGRAM_CODE_DIGITS = 6,
	TELEGRAM_CODE_SECONDS = 600, /* how long a code can be used */
};

struct telegram_link {
	const char *user_id;
	int64_t chat_id, linked_at;
};
DEFINE_RECORD(telegram_link)
extern const struct record_type telegram_link_type;

/* NOT_FOUND when the user has no link. */
struct telegram_link *telegram_find_link(struct state *state, const char *user_id, GError **error);
/* The newest link of the chat. */
struct telegram_link *telegram_find_link_of_chat(struct state *state, int64_t chat_id,
						 GError **error);

/* Links the user to the chat, in place of any chat before. */
bool telegram_link(struct state *state, const char *user_id, int64_t chat_id, GError **error);

/* A user without a link is no error. */
bool telegram_unlink(struct state *state, const char *user_id, GError **error);

/*
 * A new code for the chat, which replaces its last one. Codes that are too old go at the same time.
 * g_free() it.
 */
char *telegram_create_code(struct state *state, int64_t chat_id, GError **error);

/*
 * Uses up a code and links the user to its chat. A code works once. NOT_FOUND: it is unknown, used
 * or too old. Callers limit how often a user may try.
 */
struct telegram_link *telegram_redeem_code(struct state *state, const char *code,
					   const char *user_id, GError **error);
