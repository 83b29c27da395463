/*
 * da-engine: the commands of `da` that need DuckDB. `da` replaces itself by this program, see
 * cli/command.h; nobody else starts it.
 */
#include "cli/engine/jobs.h"
#include "cli/invocation.h"
#include "cli/output.h"
#include "cli/start.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	start_program();
	g_auto(parsed) parsed;
	parse(&parsed, argc, argv);
	if (parsed.outcome == PARSE_WRONG)
		return start_misuse(&parsed);
	for (const struct job *job = jobs; parsed.outcome == PARSE_RUN && job->command; job++) {
		if (job->command == parsed.invocation->command)
			return output_end(job->run(parsed.invocation));
	}
	fputs("da-engine is a part of da; start that.\n", stderr);
	return EXIT_CODE_USAGE;
}
