/* The list of problems. */
#include "config/problem.h"

/* Keys and names of variables are quoted, and may be long. */
enum { LONGEST_TEXT = 1000 };

static void free_problem(void *data)
{
	struct config_problem *problem = data;
	g_free(problem->text);
	g_free(problem);
}

GPtrArray *config_problems_new(void)
{
	return g_ptr_array_new_with_free_func(free_problem);
}

void config_problems_add(GPtrArray *problems, enum config_severity severity, const char *format,
			 ...)
{
	struct config_problem *problem = g_new(struct config_problem, 1);
	va_list args;
	va_start(args, format);
	g_autofree char *whole = g_strdup_vprintf(format, args);
	va_end(args);
	g_autofree char *cut = g_strndup(whole, LONGEST_TEXT);
	*problem = (struct config_problem){severity, g_utf8_make_valid(cut, -1)};
	/* Keys stand in messages: they must not forge lines or drive a terminal. */
	for (char *at = problem->text; *at; at++) {
		if (g_ascii_iscntrl(*at))
			*at = ' ';
	}
	g_ptr_array_add(problems, problem);
}

const struct config_problem *config_problems_error(const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++) {
		const struct config_problem *problem = g_ptr_array_index(problems, i);
		if (problem->severity == CONFIG_ERROR)
			return problem;
	}
	return NULL;
}
