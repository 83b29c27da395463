/* da catalog: the tables that the caller may read. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/grid.h"
#include "cli/output.h"

static const struct grid_column columns[] = {
	{"ID", "id", 30},	   {"SOURCE", "source_type", 10},
	{"MODE", "query_mode", 8}, {"FLAVOR", "sql_flavor", 10},
	{"NAME", "name", 0},	   {0},
};

static int run(struct invocation *invocation)
{
	g_autoptr(api_reply) reply = NULL;
	const struct api_call call = {
		.path = invocation_flag(invocation, "refresh") ? "/api/v2/catalog?refresh=1"
							       : "/api/v2/catalog?refresh=0",
		.failure = "catalog fetch failed",
		.codes = API_CODES_CATALOG,
	};
	int code = api_ask(invocation, &call, &reply);
	if (code)
		return code;
	if (invocation_flag(invocation, "json"))
		output_json_text(reply->body, reply->size);
	else
		grid_print(columns, json_object_get(reply->json, "tables"), GRID_PLAIN);
	return EXIT_CODE_OK;
}

static const struct option options[] = {
	OPTION_JSON,
	{"refresh", .meaning = "Ask the server not to answer from memory"},
	{0},
};

const struct command command_catalog = {
	"catalog",
	"List the tables that you may read",
	.details = "This list is the authority on what there is. MODE says where a table's data "
		   "is: 'local' and 'materialized' tables come with 'da sync'; 'remote' ones stay "
		   "at their source and are asked through the server.",
	.examples = "da catalog\nda catalog --json",
	.options = options,
	.run = run,
};
