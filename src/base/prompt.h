/* Asking the person at the terminal. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/*
 * A line from standard input, without its newline; the question goes to standard error. `secret`:
 * nothing shows of what is typed. CANCELLED at the end of the input. g_free() it; a secret is
 * better cleared first, see prompt_forget().
 */
char *prompt_line(const char *question, bool secret, GError **error);

/* Overwrites and frees a secret; takes NULL. */
void prompt_forget(char *secret);

/* Yes or no; an empty answer is no. CANCELLED, and false, at the end of the input. */
bool prompt_confirm(const char *question, GError **error);

/* For a signal handler: the terminal shows again what is typed. */
void prompt_restore_terminal(void);
