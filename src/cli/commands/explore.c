/* da explore: what a table holds, here (engine/explore.c) or, with --remote, on the server. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/output.h"

static int run(struct invocation *invocation)
{
	const char *table = invocation_text(invocation, "TABLE");
	if (!invocation_flag(invocation, "remote"))
		return engine_run(invocation);
	g_autoptr(api_reply) reply = NULL;
	g_autofree char *path = api_path("/api/catalog/profile/{}", table, NULL);
	int code = api_ask(invocation,
			   &(struct api_call){.path = path, .failure = "Profile not found"},
			   &reply);
	if (code)
		return code;
	if (!invocation_flag(invocation, "json"))
		output_print("Table: %s\n", table);
	output_json_text(reply->body, reply->size);
	return EXIT_CODE_OK;
}

static const struct argument arguments[] = {
	{"TABLE", "Which table"},
	{0},
};

static const struct option options[] = {
	{"remote", .meaning = "Show the server's profile of the table"},
	OPTION_JSON,
	{0},
};

const struct command command_explore = {
	"explore",
	"Show the columns, the number of rows and a sample of a local table",
	.examples = "da explore orders\nda explore orders --remote",
	.arguments = arguments,
	.options = options,
	.run = run,
};
