/* da completion SHELL: prints the script that completes command lines. */
#include "cli/completion.h"

#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

static int run(struct invocation *invocation)
{
	const char *shell = invocation_text(invocation, "SHELL");
	if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
		return command_misuse(invocation, "There is no completion for '%s': bash or zsh.",
				      shell);
	g_autofree char *script = *shell == 'b' ? completion_bash() : completion_zsh();
	fputs(script, stdout);
	return EXIT_CODE_OK;
}

static const struct argument arguments[] = {
	{"SHELL", "bash or zsh"},
	{0},
};

const struct command command_completion = {
	"completion",
	"Print the script that completes command lines in a shell",
	.details =
		"Installed packages bring it with them. Otherwise, put it where the shell looks.",
	.examples = "da completion bash > ~/.local/share/bash-completion/completions/da\n"
		    "da completion zsh > ~/.zfunc/_da",
	.arguments = arguments,
	.traits = COMMAND_OFFLINE,
	.run = run,
};
