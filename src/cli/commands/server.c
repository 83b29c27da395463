/* da server: the commands of Docker and Kamal that run a server, on the machine where it runs. */
#include "base/error.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { SIGNAL_CODES = 128 }; /* as shells report a child that a signal ended */

/* Runs the program with our input and output; its exit code is ours. */
static int run_program(const char *const *argv)
{
	int status;
	g_autoptr(GError) error = NULL;
	fflush(stdout);
	if (!g_spawn_sync(NULL, (char **)argv, NULL,
			  G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL,
			  NULL, &status, &error)) {
		output_warn("Error: cannot run %s: %s\n", argv[0], error->message);
		return EXIT_CODE_FAILED;
	}
	return WIFSIGNALED(status) ? SIGNAL_CODES + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_status(struct invocation *invocation)
{
	(void)invocation;
	return run_program((const char *const[]){"docker", "compose", "ps", NULL});
}

/* The name of a service must not be taken for an option of Docker's. */
static const char *service_of(const struct invocation *invocation)
{
	const char *name = invocation_text(invocation, "SERVICE");
	return name ? name : "app";
}

static int run_logs(struct invocation *invocation)
{
	const char *since = invocation_text(invocation, "since");
	const char *argv[] = {"docker", "compose",
			      "logs",	service_of(invocation),
			      "--tail", invocation_text(invocation, "tail"),
			      NULL,	NULL,
			      NULL,	NULL};
	size_t count = 6;
	if (*argv[3] == '-')
		return command_misuse(invocation, "'%s' is no service.", argv[3]);
	if (invocation_flag(invocation, "follow"))
		argv[count++] = "--follow";
	if (since) {
		argv[count++] = "--since";
		argv[count++] = since;
	}
	return run_program(argv);
}

static int run_restart(struct invocation *invocation)
{
	const char *service = service_of(invocation);
	if (*service == '-')
		return command_misuse(invocation, "'%s' is no service.", service);
	int code = run_program(
		(const char *const[]){"docker", "compose", "restart", service, NULL});
	if (!code)
		output_print("Restarted %s\n", service);
	return code;
}

static int run_deploy(struct invocation *invocation)
{
	bool staging = invocation_flag(invocation, "staging");
	return run_program(
		(const char *const[]){"kamal", "deploy", staging ? "-d" : NULL, "staging", NULL});
}

static int run_rollback(struct invocation *invocation)
{
	(void)invocation;
	return run_program((const char *const[]){"kamal", "rollback", NULL});
}

static int run_backup(struct invocation *invocation)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDateTime) now = g_date_time_new_now_local();
	g_autofree char *name = g_date_time_format(now, "backup_%Y%m%d_%H%M%S");
	g_autofree char *folder = g_build_filename(invocation_text(invocation, "output"), name,
						   NULL);
	g_autofree char *target = g_strconcat(folder, "/state/", NULL);
	if (!files_make_folder(folder, &error))
		return command_fail(error);
	int code = run_program(
		(const char *const[]){"docker", "compose", "cp", "app:/data/state/", target, NULL});
	if (code)
		output_warn("Error: the backup in %s is not complete\n", folder);
	else
		output_print("Backup saved to %s\n", folder);
	return code;
}

/* --- declarations --- */

const struct command command_server_status = {
	"server status",
	"Show the containers: docker compose ps",
	.traits = COMMAND_OFFLINE,
	.run = run_status,
};

static const struct argument service_arguments[] = {
	{"SERVICE", "Which container; default: app", .optional = true},
	{0},
};

static const struct option logs_options[] = {
	{"follow", 'f', .meaning = "Go on as the log grows"},
	{"since", 0, OPTION_TEXT, "TIME", "Only what is younger, such as 1h"},
	{"tail", 'n', OPTION_INTEGER, "N", "At most so many lines", .fallback = "100", .least = 1},
	{0},
};

const struct command command_server_logs = {
	"server logs",
	"Show the log of a container: docker compose logs",
	.arguments = service_arguments,
	.options = logs_options,
	.traits = COMMAND_OFFLINE,
	.run = run_logs,
};

const struct command command_server_restart = {
	"server restart",
	"Restart a container: docker compose restart",
	.arguments = service_arguments,
	.traits = COMMAND_OFFLINE,
	.run = run_restart,
};

static const struct option deploy_options[] = {
	{"staging", .meaning = "To the staging environment"},
	{0},
};

const struct command command_server_deploy = {
	"server deploy",	   "Deploy the server: kamal deploy",
	.options = deploy_options, .traits = COMMAND_OFFLINE,
	.run = run_deploy,
};

const struct command command_server_rollback = {
	"server rollback",
	"Go back to the version before: kamal rollback",
	.traits = COMMAND_OFFLINE,
	.run = run_rollback,
};

static const struct option backup_options[] = {
	{"output", 0, OPTION_TEXT, "DIR", "Where the backup's folder is made",
	 .fallback = "./backup"},
	{0},
};

const struct command command_server_backup = {
	"server backup",
	"Copy the server's state out of its container",
	.details = "The copy is of files in use: for one that is sure to be whole, stop the server "
		   "first, or take one of the verified backups in state/backups.",
	.options = backup_options,
	.traits = COMMAND_OFFLINE,
	.run = run_backup,
};
