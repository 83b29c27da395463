/*
 * When and from where personal access tokens were last used: noted in memory at every request,
 * written to the state at most once a minute for each token and at once from a new address, by a
 * thread of its own.
 */
#pragma once

#include "base/cleanup.h"
#include "state/tokens.h"

struct auditor;
struct state;
struct token_uses;

struct token_uses *token_uses_new(struct state *state, struct auditor *auditor);
/* Writes what is noted and not written, then ends. */
void token_uses_free(struct token_uses *uses);
DEFINE_AUTOPTR(token_uses)

/* The token is used now from `address`; one that it was not used from lately is audited. */
void token_uses_note(struct token_uses *uses, const struct token *token, const char *address);
