/* Questions, with the echo of the terminal switched off for secrets. */
#include "base/prompt.h"

#include "base/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LONGEST_ANSWER = 64 * 1024 };

/* What the terminal is to be set back to; read by the handler of SIGINT. */
static struct termios saved;
static volatile sig_atomic_t echo_is_off;

void prompt_restore_terminal(void)
{
	if (echo_is_off)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	echo_is_off = 0;
}

static void switch_echo_off(void)
{
	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return; /* no terminal: nothing echoes */
	struct termios silent = saved;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	echo_is_off = 1;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
}

static void finish_secret(void)
{
	if (echo_is_off)
		fputc('\n', stderr); /* the one that was typed did not show */
	prompt_restore_terminal();
}

void prompt_forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	g_free(secret);
}

/* Byte by byte: what follows the line stays in the pipe. */
static bool read_line(GString *line)
{
	char byte;
	ssize_t got;
	while ((got = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n') {
		if (line->len < LONGEST_ANSWER)
			g_string_append_c(line, byte);
	}
	if (line->len > 0 && line->str[line->len - 1] == '\r')
		g_string_truncate(line, line->len - 1);
	return got == 1 || line->len > 0;
}

char *prompt_line(const char *question, bool secret, GError **error)
{
	GString *line = g_string_sized_new(LONGEST_ANSWER); /* never moved: no copies of a secret */
	/* Before the question, for what is typed before the echo is off is thrown away. */
	if (secret)
		switch_echo_off();
	fputs(question, stderr);
	bool answered = read_line(line);
	if (secret)
		finish_secret();
	if (answered)
		return g_string_free(line, FALSE);
	g_string_free(line, TRUE);
	g_set_error_literal(error, AGNES_ERROR, AGNES_ERROR_CANCELLED, "Aborted.");
	return NULL;
}

bool prompt_confirm(const char *question, GError **error)
{
	for (;;) {
		g_autofree char *answer = prompt_line(question, false, error);
		if (!answer)
			return false;
		if (g_ascii_strcasecmp(answer, "y") == 0 || g_ascii_strcasecmp(answer, "yes") == 0)
			return true;
		if (!*answer || g_ascii_strcasecmp(answer, "n") == 0 ||
		    g_ascii_strcasecmp(answer, "no") == 0)
			return false;
		fputs("Please answer y or n.\n", stderr);
	}
}
