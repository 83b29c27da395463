/* Starting, failing, and handing over to da-engine. */
#include "cli/start.h"

#include "base/process.h"
#include "base/prompt.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/output.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void end_at_interrupt(int signal)
{
	(void)signal;
	prompt_restore_terminal();
	_exit(EXIT_CODE_INTERRUPTED);
}

void start_program(void)
{
	const struct sigaction interrupt = {.sa_handler = end_at_interrupt};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	process_fill_standard_descriptors();
	/* Widths of characters are those of UTF-8 wherever we run, numbers have a dot. */
	setlocale(LC_ALL, "C.UTF-8");
	sigaction(SIGINT, &interrupt, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

int start_misuse(const struct parsed *parsed)
{
	g_autofree char *usage = help_usage(parsed->path);
	g_autofree char *problem = output_printable(parsed->problem);
	fprintf(stderr, "%s\nTry 'da %s%s--help' for help.\n\nError: %s\n", usage, parsed->path,
		*parsed->path ? " " : "", problem);
	return EXIT_CODE_USAGE;
}

int command_fail(const GError *error)
{
	g_autofree char *message = output_printable(error->message);
	fprintf(stderr, "Error: %s\n", message);
	return EXIT_CODE_FAILED;
}

int command_misuse(const struct invocation *invocation, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *message = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_autofree char *usage = help_usage(invocation->command->path);
	g_autofree char *printable = output_printable(message);
	fprintf(stderr, "%s\n\nError: %s\n", usage, printable);
	return EXIT_CODE_USAGE;
}

/* Beside the programs of an installation, else beside `da` itself. */
char *start_engine_path(void)
{
	g_autofree char *program = g_file_read_link(PROCESS_SELF, NULL);
	g_autofree char *beside = g_path_get_dirname(program ? program : "");
	g_autofree char *above = g_path_get_dirname(beside);
	char *installed = g_build_filename(above, "libexec", "agnes", "da-engine", NULL);
	if (g_file_test(installed, G_FILE_TEST_IS_EXECUTABLE))
		return installed;
	g_free(installed);
	return g_build_filename(beside, "da-engine", NULL);
}

int engine_run(struct invocation *invocation)
{
	g_autofree char *engine = start_engine_path();
	fflush(stdout);
	execv(engine, invocation->argv);
	fprintf(stderr, "Error: cannot start %s: %s; install da again\n", engine,
		g_strerror(errno));
	return EXIT_CODE_FAILED;
}
