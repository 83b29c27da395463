/* Command lines of da: what they become, and what is said of wrong ones. */
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/manual.h"
#include "cli/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { MOST_WORDS = 16 };

/* Parses "da" and the words, which are separated by single spaces. */
static void parse_line(struct parsed *parsed, char **words, const char *line)
{
	g_autofree char *whole = g_strconcat("da", *line ? " " : "", line, NULL);
	g_auto(GStrv) split = g_strsplit(whole, " ", MOST_WORDS);
	int count = (int)g_strv_length(split);
	for (int i = 0; i < count; i++)
		words[i] = g_steal_pointer(&split[i]);
	words[count] = NULL;
	parse(parsed, count, words);
}

static void free_words(char **words)
{
	for (; *words; words++)
		g_free(*words);
}

static void assert_wrong(const char *line, const char *problem)
{
	char *words[MOST_WORDS + 1];
	g_auto(parsed) parsed;
	parse_line(&parsed, words, line);
	assert_int_equal(parsed.outcome, PARSE_WRONG);
	assert_string_equal(parsed.problem, problem);
	free_words(words);
}

static void assert_outcome(const char *line, enum parse_outcome outcome, const char *path)
{
	char *words[MOST_WORDS + 1];
	g_auto(parsed) parsed;
	parse_line(&parsed, words, line);
	assert_int_equal(parsed.outcome, outcome);
	assert_string_equal(parsed.path, path);
	free_words(words);
}

static void test_options_stand_anywhere(void **state)
{
	static const char *const lines[] = {
		"describe orders --rows 7 --json",     "describe --rows=7 --json orders",
		"describe --json -n 7 orders",	       "describe -n7 orders --json",
		"describe --json -n 3 -n 7 -- orders",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		char *words[MOST_WORDS + 1];
		g_auto(parsed) parsed;
		parse_line(&parsed, words, lines[i]);
		assert_int_equal(parsed.outcome, PARSE_RUN);
		assert_ptr_equal(invocation_command(parsed.invocation), &command_describe);
		assert_string_equal(invocation_text(parsed.invocation, "TABLE_ID"), "orders");
		assert_int_equal(invocation_integer(parsed.invocation, "rows"), 7);
		assert_true(invocation_flag(parsed.invocation, "json"));
		free_words(words);
	}
}

static void test_sql_may_begin_with_a_comment_or_a_sign(void **state)
{
	static const char *const texts[] = {"-- by month\nSELECT 1", "--\tx", "-1", "-", "---"};
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		char *words[] = {(char *)"da", (char *)"query", (char *)texts[i],
				 (char *)"--remote", NULL};
		g_auto(parsed) parsed;
		parse(&parsed, G_N_ELEMENTS(words) - 1, words);
		assert_int_equal(parsed.outcome, PARSE_RUN);
		assert_string_equal(invocation_text(parsed.invocation, "SQL"), texts[i]);
		assert_true(invocation_flag(parsed.invocation, "remote"));
	}
}

static void test_what_is_missing_has_its_default(void **state)
{
	char *words[MOST_WORDS + 1];
	g_auto(parsed) parsed;
	g_setenv("KEBOOLA_STACK_URL", "https://source.example.com", TRUE);
	parse_line(&parsed, words, "admin discover-and-register --token=--odd");
	assert_int_equal(parsed.outcome, PARSE_RUN);
	assert_string_equal(invocation_text(parsed.invocation, "source-type"), "keboola");
	assert_string_equal(invocation_text(parsed.invocation, "url"),
			    "https://source.example.com");
	assert_string_equal(invocation_text(parsed.invocation, "token"), "--odd");
	assert_false(invocation_given(parsed.invocation, "url"));
	assert_false(invocation_flag(parsed.invocation, "json"));
	g_unsetenv("KEBOOLA_STACK_URL");
	assert_null(invocation_text(parsed.invocation, "url"));
	free_words(words);
}

static void test_words_after_two_dashes_are_no_options(void **state)
{
	char *words[MOST_WORDS + 1];
	g_auto(parsed) parsed;
	parse_line(&parsed, words, "query --remote -- --json");
	assert_int_equal(parsed.outcome, PARSE_RUN);
	assert_string_equal(invocation_text(parsed.invocation, "SQL"), "--json");
	free_words(words);
}

static void test_version_and_help_come_first(void **state)
{
	assert_outcome("--version bogus", PARSE_VERSION, "");
	assert_outcome("-V", PARSE_VERSION, "");
	assert_outcome("--help", PARSE_HELP, "");
	assert_outcome("auth --help", PARSE_HELP, "auth");
	assert_outcome("auth token --help", PARSE_HELP, "auth token");
	assert_outcome("describe --help", PARSE_HELP, "describe");
	assert_outcome("auth token create --name", PARSE_WRONG, "auth token create");
	assert_outcome("login", PARSE_RUN, "auth login");
}

static void test_wrong_use_is_explained(void **state)
{
	assert_wrong("", "Missing command.");
	assert_wrong("auth", "Missing command.");
	assert_wrong("admin group", "Missing command.");
	assert_wrong("catlog", "No such command 'catlog'. Did you mean 'catalog'?");
	assert_wrong("auth tokn list", "No such command 'tokn'. Did you mean 'token'?");
	assert_wrong("zzzzzzzz", "No such command 'zzzzzzzz'.");
	assert_wrong("manua1", "No such command 'manua1'."); /* hidden ones are not proposed */
	assert_wrong("catalog --jsn", "No such option: --jsn. Did you mean '--json'?");
	assert_wrong("catalog --js", "No such option: --js.");
	assert_wrong("catalog --json=1", "Option '--json' does not take a value.");
	assert_wrong("catalog -x", "No such option: -x.");
	assert_wrong("--nope catalog", "No such option: --nope.");
	assert_wrong("describe", "Missing argument 'TABLE_ID'.");
	assert_wrong("describe a b", "Got unexpected extra argument (b).");
	assert_wrong("describe a -n", "Option '--rows' requires an argument.");
	assert_wrong("describe a -n x", "Invalid value for '--rows': 'x' is not a valid integer.");
	assert_wrong("describe a -n 5x",
		     "Invalid value for '--rows': '5x' is not a valid integer.");
	assert_wrong("query --limit 0 x", "Invalid value for '--limit': 0 is less than 1.");
	assert_wrong("describe a -n 99999999999999999999",
		     "Invalid value for '--rows': '99999999999999999999' is not a valid integer.");
	assert_wrong("auth token create", "Missing option '--name'.");
	assert_wrong("catalog --j\xff", "No such option: --j\xff.");
	assert_wrong("describe \xff", "Invalid value for 'TABLE_ID': it is not UTF-8.");
}

static bool is_known_path(const char *path)
{
	return parse_find_command(path) || command_group_find(path);
}

/* What the tables must be for parsing to make sense. */
static void test_tables_are_sound(void **state)
{
	for (const struct command *const *at = commands; *at; at++) {
		const struct command *command = *at;
		const char *space = strrchr(command->path, ' ');
		g_autofree char *group = g_strndup(command->path,
						   space ? space - command->path : 0);
		assert_true(!space || is_known_path(group));
		assert_non_null(command->run);
		assert_ptr_equal(parse_find_command(command->path), command);
		assert_true(g_ascii_isupper(*command->summary));
		assert_false(g_str_has_suffix(command->summary, "."));
		for (const struct argument *a = command->arguments; a && a->name; a++)
			assert_true(!a->optional || !a[1].name);
		for (const struct option *o = command->options; o && o->name; o++) {
			assert_non_null(o->meaning);
			assert_true((o->type == OPTION_FLAG) == (o->metavar == NULL));
			assert_string_not_equal(o->name, "help");
			for (const struct option *p = command->options; p != o; p++) {
				assert_string_not_equal(p->name, o->name);
				assert_true(!o->letter || p->letter != o->letter);
			}
		}
	}
	for (const struct command_group *at = command_groups; at->path; at++)
		assert_null(parse_find_command(at->path));
}

static void test_help_fits_its_width(void **state)
{
	static const int widths[] = {40, 80, 100};
	for (const struct command *const *at = commands; *at; at++) {
		for (size_t i = 0; i < G_N_ELEMENTS(widths); i++) {
			g_autofree char *page = help_page((*at)->path, widths[i]);
			g_auto(GStrv) lines = g_strsplit(page, "\n", -1);
			assert_true(g_str_has_prefix(lines[0], "Usage: da "));
			for (char **line = lines + 1; *line; line++) {
				bool is_example = strstr(*line, "  da ") ||
						  strstr(*line, "$(da ") || strchr(*line, '{') ||
						  !strchr(g_strstrip(*line), ' ');
				if (!is_example && strcmp(*line, "Examples:") != 0)
					assert_true(g_utf8_strlen(*line, -1) <= widths[i]);
			}
		}
	}
}

static void test_root_help_names_every_command(void **state)
{
	g_autofree char *page = help_page("", 80);
	assert_non_null(strstr(page, "AI Data Analyst CLI"));
	for (const struct command *const *at = commands; *at; at++) {
		g_autofree char *entry = g_strdup_printf("\n  %s ", (*at)->path);
		bool is_shown = !strchr((*at)->path, ' ') && !((*at)->traits & COMMAND_HIDDEN);
		assert_int_equal(strstr(page, entry) != NULL, is_shown);
	}
}

static void test_generated_texts_have_every_option(void **state)
{
	g_autofree char *bash = completion_bash();
	g_autofree char *zsh = completion_zsh();
	g_autofree char *manual = manual_page();
	for (const struct command *const *at = commands; *at; at++) {
		g_autofree char *heading = g_strdup_printf("### `da %s`\n", (*at)->path);
		bool is_shown = !((*at)->traits & COMMAND_HIDDEN);
		assert_int_equal(strstr(manual, heading) != NULL, is_shown);
		for (const struct option *o = (*at)->options; is_shown && o && o->name; o++) {
			g_autofree char *name = g_strconcat("--", o->name, NULL);
			assert_non_null(strstr(bash, name));
			assert_non_null(strstr(zsh, name));
			assert_non_null(strstr(manual, name));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_stand_anywhere),
		cmocka_unit_test(test_sql_may_begin_with_a_comment_or_a_sign),
		cmocka_unit_test(test_what_is_missing_has_its_default),
		cmocka_unit_test(test_words_after_two_dashes_are_no_options),
		cmocka_unit_test(test_version_and_help_come_first),
		cmocka_unit_test(test_wrong_use_is_explained),
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test(test_help_fits_its_width),
		cmocka_unit_test(test_root_help_names_every_command),
		cmocka_unit_test(test_generated_texts_have_every_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
