/* Scripts that complete command lines of `da` in a shell, made from the tables. */
#pragma once

/* Both start nothing while they complete, so that a press of Tab costs no process. g_free() them.
 */
char *completion_bash(void);
char *completion_zsh(void);
