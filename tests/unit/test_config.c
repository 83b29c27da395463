/* src/config: which file wins, what variables become, what is reported, what stays in force. */
#include "base/error.h"
#include "config_fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What makes a static file complete. */
#define REQUIRED                   \
	"instance: {name: Shop}\n" \
	"auth: {allowed_domain: example.com}\n"

static void assert_problems(const char *expected)
{
	g_autoptr(configuration) config = config_inspect("data");
	g_autofree char *problems = config_fixture_problems(config);
	assert_string_equal(problems, expected);
}

static void assert_text(const char *name, const char *expected)
{
	g_autoptr(configuration) config = config_inspect("data");
	assert_string_equal(config_text(config, name), expected);
}

static void no_file_means_defaults(void **state)
{
	g_autoptr(configuration) config = config_load("data", NULL);
	assert_non_null(config);
	assert_int_equal(config_problems(config)->len, 0);
	assert_string_equal(config_text(config, "instance.name"), "AI Data Analyst");
	assert_string_equal(config_text(config, "data_source.type"), "local");
	assert_int_equal(config_int(config, "state.backup_count"), 7);
	assert_int_equal(config_size(config, "extract.memory_limit"), 2000000000);
	assert_true(config_double(config, "profiler.alert_missing_pct") == 5.0);
	assert_false(config_bool(config, "DEBUG"));
	assert_string_equal(
		json_string_value(json_array_get(config_list(config, "local.roots"), 0)), "inbox");
	assert_int_equal(json_object_size(config_tree(config, "connectors")), 0);
	assert_false(config_is_set(config, "auth.allowed_domain"));
	assert_int_equal(json_array_size(config_list(config, "auth.allowed_domain")), 0);
}

static void an_empty_list_is_an_answer_too(void **state)
{
	config_fixture_static("instance: {name: x}\nauth: {allowed_domain: ''}\n");
	g_autoptr(configuration) unanswered = config_inspect("data");
	assert_int_equal(config_problems(unanswered)->len, 1);
	config_fixture_static("instance: {name: x}\nauth: {allowed_domain: []}\n");
	g_autoptr(configuration) answered = config_inspect("data");
	assert_int_equal(config_problems(answered)->len, 0);
	assert_false(config_is_set(answered, "auth.allowed_domain"));
}

static void overlay_goes_over_the_static_file(void **state)
{
	config_fixture_static(REQUIRED "state: {backup_count: 3, backup_interval_hours: 2}\n"
				       "connectors: {a: 1, b: 2}\nlocal: {roots: [x, y]}\n");
	config_fixture_overlay("state: {backup_count: 4}\nconnectors: {b: 3, c: 4}\n"
			       "local: {roots: [z]}\n");
	g_autoptr(configuration) config = config_inspect("data");
	assert_int_equal(config_int(config, "state.backup_count"), 4);
	assert_true(config_int(config, "state.backup_interval_hours") == 2);
	g_autofree char *connectors = json_to_text(config_tree(config, "connectors"));
	assert_string_equal(connectors, "{\"a\":1,\"b\":3,\"c\":4}");
	g_autofree char *roots = json_to_text(config_list(config, "local.roots"));
	assert_string_equal(roots, "[\"z\"]");
}

static void null_means_the_default(void **state)
{
	config_fixture_static(REQUIRED "state: {backup_count: 3}\nprofiler: null\n");
	config_fixture_overlay("state:\n  backup_count: ~\n");
	g_autoptr(configuration) config = config_inspect("data");
	assert_int_equal(config_problems(config)->len, 0);
	assert_int_equal(config_int(config, "state.backup_count"), 7);
	assert_int_equal(config_int(config, "profiler.sample_size"), 500000);
	config_fixture_overlay("state: null\n");
	g_autoptr(configuration) again = config_inspect("data");
	assert_int_equal(config_int(again, "state.backup_count"), 7);
}

static void zero_and_false_are_values(void **state)
{
	config_fixture_overlay("profiler: {top_values_limit: 0}\ninstance: {name: ''}\n");
	g_autoptr(configuration) config = config_inspect("data");
	assert_int_equal(config_int(config, "profiler.top_values_limit"), 0);
	assert_true(config_is_set(config, "profiler.top_values_limit"));
	assert_string_equal(config_text(config, "instance.name"), "");
	assert_false(config_is_set(config, "instance.name"));
}

static void environment_goes_over_the_files(void **state)
{
	config_fixture_overlay("data_source: {type: keboola}\n");
	assert_text("data_source.type", "keboola");
	g_setenv("DATA_SOURCE", "bigquery", TRUE);
	assert_text("data_source.type", "bigquery");
	g_setenv("DATA_SOURCE", "", TRUE);
	assert_text("data_source.type", "keboola");
	g_setenv("DATA_DIR", "", TRUE);
	assert_text("DATA_DIR", "./data");
	g_setenv("DATA_DIR", "/srv/agnes", TRUE);
	assert_text("DATA_DIR", "/srv/agnes");
	g_setenv("DATA_SOURCE", "oracle", TRUE);
	assert_problems("error: environment variable DATA_SOURCE must be one of keboola, bigquery, "
			"local\n");
	assert_text("data_source.type", "keboola");
}

static void foreign_variables_only_warn(void **state)
{
	g_setenv("DEBUG", "express:*", TRUE);
	assert_problems("warning: environment variable DEBUG must be true or false\n");
	g_setenv("DEBUG", "YES", TRUE);
	g_autoptr(configuration) config = config_inspect("data");
	assert_true(config_bool(config, "DEBUG"));
}

static void origins_are_known(void **state)
{
	config_fixture_static(REQUIRED "state: {backup_count: 3, backup_interval_hours: 3}\n");
	config_fixture_overlay("state: {backup_count: 4}\n");
	g_setenv("DATA_SOURCE", "local", TRUE);
	g_autoptr(configuration) config = config_inspect("data");
	const struct config_key *key = NULL;
	assert_int_equal(config_classify("state.backup_count", &key), CONFIG_KEY);
	assert_int_equal(config_origin(config, key), CONFIG_FROM_OVERLAY);
	config_classify("state.backup_interval_hours", &key);
	assert_int_equal(config_origin(config, key), CONFIG_FROM_STATIC);
	config_classify("data_source.type", &key);
	assert_int_equal(config_origin(config, key), CONFIG_FROM_ENVIRONMENT);
	config_classify("local.roots", &key);
	assert_int_equal(config_origin(config, key), CONFIG_FROM_DEFAULT);
}

static void static_file_is_found(void **state)
{
	config_fixture_static("instance: {name: standard}\n");
	assert_text("instance.name", "standard");
	assert_int_equal(g_mkdir("other", 0700), 0);
	g_setenv("CONFIG_DIR", "other", TRUE);
	assert_text("instance.name", "standard"); /* other/ has none */
	config_fixture_write("other/instance.yaml", "instance: {name: other}\n");
	assert_text("instance.name", "other");
	config_fixture_write("other/instance.yaml", "instance: [\n");
	assert_text("instance.name", "AI Data Analyst"); /* there is one, if a bad one */
}

static void variables_are_put_in(void **state)
{
	g_setenv("SET", "a: [b] # ${EMPTY}", TRUE);
	g_setenv("EMPTY", "", TRUE);
	config_fixture_static("auth: {allowed_domain: example.com}\n"
			      "instance:\n  name: \"<${SET}${EMPTY}|${SET}>\"\n"
			      "connectors: {x: {y: ['${SET}', 5]}, '${SET}': 1}\n");
	config_fixture_overlay("local: {roots: ['/srv/${SET}']}\n");
	g_autoptr(configuration) config = config_inspect("data");
	assert_int_equal(config_problems(config)->len, 0);
	assert_string_equal(config_text(config, "instance.name"),
			    "<a: [b] # ${EMPTY}|a: [b] # ${EMPTY}>");
	g_autofree char *connectors = json_to_text(config_tree(config, "connectors"));
	assert_string_equal(connectors, "{\"x\":{\"y\":[\"a: [b] # ${EMPTY}\",5]},\"${SET}\":1}");
	g_autofree char *roots = json_to_text(config_list(config, "local.roots"));
	assert_string_equal(roots, "[\"/srv/a: [b] # ${EMPTY}\"]");
}

static void what_is_no_reference_stays(void **state)
{
	config_fixture_overlay("instance: {name: '$SET ${} ${ $${ ${SET'}\n");
	assert_text("instance.name", "$SET ${} ${ $${ ${SET");
	config_fixture_overlay("instance: {name: '${}${SET:-x}}'}\n");
	g_setenv("SET:-x", "odd", TRUE);
	assert_text("instance.name", "${}odd}");
	config_fixture_overlay("instance: {name: '${SET:-x}'}\n");
	assert_text("instance.name", "odd");
	g_unsetenv("SET:-x");
}

static void unset_variables_are_reported(void **state)
{
	config_fixture_static("instance:\n  name: x${NOT_SET}y\n"
			      "auth:\n  allowed_domain: ${NOT_SET_EITHER}\n"
			      "state:\n  backup_count: ${NUMBER}\n"
			      "connectors:\n  deep:\n    - 1\n    - ${LAST}\n");
	g_autoptr(configuration) config = config_inspect("data");
	g_autofree char *problems = config_fixture_problems(config);
	assert_string_equal(
		problems,
		"warning: ./config/instance.yaml:2:3: instance.name is empty: the environment "
		"variable NOT_SET is not set\n"
		"warning: ./config/instance.yaml:4:3: auth.allowed_domain is empty: the environment "
		"variable NOT_SET_EITHER is not set\n"
		"warning: ./config/instance.yaml:6:3: state.backup_count is empty: the environment "
		"variable NUMBER is not set\n"
		"warning: ./config/instance.yaml:10:7: connectors.deep[1] is empty: the environment "
		"variable LAST is not set\n"
		"warning: ./config/instance.yaml:3:1: auth.allowed_domain is required and not set: "
		"Mail domains whose Google accounts may sign in; none while it is not set\n");
	assert_string_equal(config_text(config, "instance.name"), "xy");
	assert_false(config_is_set(config, "auth.allowed_domain"));
	assert_int_equal(config_int(config, "state.backup_count"), 7);
}

static void covered_variables_do_not_matter(void **state)
{
	config_fixture_static(REQUIRED "extract: {memory_limit: '${NOT_SET}'}\n"
				       "connectors: {x: '${NOT_SET}'}\n");
	config_fixture_overlay("extract: {memory_limit: 1GB}\nconnectors: {y: 1}\n");
	assert_problems(
		"warning: ./config/instance.yaml:4:14: connectors.x is empty: the environment "
		"variable NOT_SET is not set\n");
}

static void variables_cannot_blow_up_a_text(void **state)
{
	g_autofree char *large = g_strnfill(100000, 'x');
	g_setenv("SET", large, TRUE);
	g_autoptr(GString) text = g_string_new("instance: {name: '");
	for (int i = 0; i < 1000; i++)
		g_string_append(text, "${SET}");
	g_string_append(text, "'}\n");
	config_fixture_overlay(text->str);
	assert_problems("error: data/state/instance.yaml:1:12: instance.name becomes too long when "
			"variables are put in\n");
}

static void hostile_references_are_bounded(void **state)
{
	g_autoptr(GString) text = g_string_new("instance: {name: '");
	while (text->len < 900 * 1024)
		g_string_append(text, "${");
	g_string_append(text, "'}\nconnectors: {x: '${");
	for (int i = 0; i < 5000; i++)
		g_string_append(text, "NAME");
	g_string_append(text, "}'}\n");
	config_fixture_overlay(text->str);
	g_autoptr(configuration) config = config_inspect("data");
	assert_int_equal(config_problems(config)->len, 1);
	const struct config_problem *problem = g_ptr_array_index(config_problems(config), 0);
	assert_in_range(strlen(problem->text), 500, 1500);
	assert_true(g_str_has_suffix(config_text(config, "instance.name"), "${${${"));
}

static void saved_variables_stand_behind_the_environment(void **state)
{
	config_fixture_write("data/state/.env_overlay", "# comment\n\n A = 1=2 \nSET=file\n"
							"EMPTY=file\nno line\n2X=1\nB=\nA=3\n");
	g_setenv("SET", "process", TRUE);
	g_setenv("EMPTY", "", TRUE);
	g_autoptr(configuration) config = config_inspect("data");
	assert_string_equal(config_env(config, "A"), "3");
	assert_string_equal(config_env(config, "B"), "");
	assert_string_equal(config_env(config, "SET"), "process");
	assert_string_equal(config_env(config, "EMPTY"), "file");
	assert_null(config_env(config, "NOT_SET"));
	assert_null(g_getenv("A"));
	assert_problems(
		"warning: data/state/.env_overlay:4: SET is left out: the environment sets it to "
		"something else, which wins\n"
		"warning: data/state/.env_overlay:6: the line is left out: it is not NAME=value\n"
		"warning: data/state/.env_overlay:7: the line is left out: it is not NAME=value\n");
}

static void saved_variables_reach_the_files(void **state)
{
	config_fixture_write("data/state/.env_overlay", "SAVED=x\nDATA_SOURCE=keboola\n");
	config_fixture_overlay("instance: {name: '${SAVED}'}\n");
	assert_text("instance.name", "x");
	assert_text("data_source.type", "keboola");
	config_fixture_write("data/state/.env_overlay", "SAVED=\xff\n");
	assert_problems("error: data/state/.env_overlay is not UTF-8 text\n"
			"warning: data/state/instance.yaml:1:12: instance.name is empty: the "
			"environment variable SAVED is not set\n");
}

static void unknown_keys_are_reported(void **state)
{
	config_fixture_static(REQUIRED "state:\n  backup_cuont: 3\n  zzzzzzzzzzzz: 1\n"
				       "profilr: {sample_size: 1}\nallowed_domain: example.com\n"
				       "instance.name: x\nserver: {hots: a}\n");
	assert_problems(
		"warning: ./config/instance.yaml:4:3: state.backup_cuont is not a known key; did you "
		"mean state.backup_count?\n"
		"warning: ./config/instance.yaml:5:3: state.zzzzzzzzzzzz is not a known key; 'agnesd "
		"config --list' shows them\n"
		"warning: ./config/instance.yaml:6:1: profilr is not a known key; did you mean "
		"profiler?\n"
		"warning: ./config/instance.yaml:7:1: allowed_domain is not a known key; did you "
		"mean auth.allowed_domain?\n"
		"warning: ./config/instance.yaml:8:1: instance.name is not a known key: a key with a "
		"dot is not a section and a key\n"
		"warning: ./config/instance.yaml:9:10: server.hots is not a known key; did you mean "
		"server.host?\n");
}

static void control_characters_do_not_reach_messages(void **state)
{
	config_fixture_overlay("\"a\\nb\\ec\": 1\n");
	assert_problems("warning: data/state/instance.yaml:1:1: a b c is not a known key; 'agnesd "
			"config --list' shows them\n");
}

static void wrong_types_are_errors_and_the_rest_counts(void **state)
{
	config_fixture_static(REQUIRED "state:\n  backup_count: many\n  backup_interval_hours: 5\n"
				       "local: 5\nauth_: 1\n");
	g_autoptr(GError) error = NULL;
	assert_null(config_load("data", &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
	assert_string_equal(error->message,
			    "./config/instance.yaml:4:3: state.backup_count must be a whole number "
			    "('agnesd config --check' shows everything that is wrong)");
	g_autoptr(configuration) config = config_inspect("data");
	g_autofree char *problems = config_fixture_problems(config);
	assert_string_equal(
		problems,
		"error: ./config/instance.yaml:4:3: state.backup_count must be a whole number\n"
		"error: ./config/instance.yaml:6:1: local must be a section with keys\n"
		"warning: ./config/instance.yaml:7:1: auth_ is not a known key; did you mean auth?\n");
	assert_int_equal(config_int(config, "state.backup_count"), 7);
	assert_true(config_int(config, "state.backup_interval_hours") == 5);
	assert_string_equal(config_text(config, "instance.name"), "Shop");
	assert_true(config_is_set(config, "auth.allowed_domain"));
}

static void unreadable_files_are_errors(void **state)
{
	config_fixture_static("instance:\n  name: [\n");
	config_fixture_overlay("state: {backup_count: 2}\n");
	assert_problems(
		"error: ./config/instance.yaml:3:1: while parsing a flow node: did not find "
		"expected node content\n");
	g_autoptr(configuration) config = config_inspect("data");
	assert_int_equal(config_int(config, "state.backup_count"), 2);
	config_fixture_static("- a\n");
	config_fixture_overlay("a: b: c\n");
	assert_problems(
		"error: ./config/instance.yaml:1:1: must be a map of sections (name: value)\n"
		"error: data/state/instance.yaml:1:5: mapping values are not allowed in this "
		"context\n");
	g_remove("config/instance.yaml");
	g_remove("data/state/instance.yaml");
	assert_int_equal(g_mkdir("data/state/instance.yaml", 0700), 0);
	assert_problems("error: data/state/instance.yaml is not a regular file\n");
}

static void hostile_files_are_errors(void **state)
{
	g_autoptr(GString) laughs = g_string_new("a0: &a0 [lol, lol]\n");
	for (int i = 1; i < 40; i++)
		g_string_append_printf(laughs, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
	config_fixture_static(laughs->str);
	g_autofree char *large = g_strnfill(10 * 1024 * 1024, 'x');
	config_fixture_overlay(large);
	assert_problems(
		"error: ./config/instance.yaml:14:18: aliases make the document too large\n"
		"error: data/state/instance.yaml is larger than the 1048576 bytes allowed\n");
}

static void empty_files_are_said_to_be(void **state)
{
	config_fixture_static("# nothing\n");
	config_fixture_overlay("");
	assert_problems(
		"warning: ./config/instance.yaml: is empty\n"
		"warning: data/state/instance.yaml: is empty\n"
		"warning: ./config/instance.yaml:1:1: instance.name is required and not set: Name of "
		"this installation, in titles and messages\n"
		"warning: ./config/instance.yaml:1:1: auth.allowed_domain is required and not set: "
		"Mail domains whose Google accounts may sign in; none while it is not set\n");
}

static void required_keys_may_stand_in_the_overlay(void **state)
{
	config_fixture_static("config_version: 2\ninstance: {name: x}\n");
	config_fixture_overlay("auth: {allowed_domain: 'example.com, , example.org'}\n");
	assert_problems(
		"warning: config_version is not 1: the file was written for another version "
		"of this program\n");
	g_autoptr(configuration) config = config_inspect("data");
	g_autofree char *domains = json_to_text(config_list(config, "auth.allowed_domain"));
	assert_string_equal(domains, "[\"example.com\",\"example.org\"]");
}

static void thousands_of_typos_are_bounded(void **state)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (int i = 0; i < 40000; i++)
		g_string_append_printf(text, "unknown_key_%d: 1\n", i);
	g_string_append(text, "state: {backup_count: x}\n");
	config_fixture_overlay(text->str);
	g_autoptr(configuration) config = config_inspect("data");
	assert_in_range(config_problems(config)->len, 100, 300);
	assert_string_equal(config_problems_error(config_problems(config))->text,
			    "data/state/instance.yaml:40001:9: state.backup_count must be a whole "
			    "number");
}

static void secrets_are_not_shown(void **state)
{
	g_setenv("API_TOKEN", "hunter2", TRUE);
	g_setenv("SET", "seen", TRUE);
	config_fixture_static(
		"instance: {name: 'a ${API_TOKEN}'}\nauth: {allowed_domain: ['${API_TOKEN}']}\n"
		"connectors: {my_password: hunter2, x: {y: '${API_TOKEN}'}, z: '${SET}'}\n"
		"state: {backup_count: '${API_TOKEN}'}\n"
		"data_source: {type: hunter2}\nprofiler: {sample_size: hunter2}\n"
		"rebuild: hunter2\nlocal: {roots: {hunter: hunter2}}\n");
	g_autoptr(configuration) config = config_inspect("data");
	g_autofree char *problems = config_fixture_problems(config);
	assert_non_null(strstr(problems, "state.backup_count must be a whole number"));
	assert_null(strstr(problems, "hunter2"));
	for (size_t i = 0; i < config_key_count; i++) {
		g_autofree char *shown = config_show(config, &config_keys[i]);
		assert_null(strstr(shown, "hunter2"));
		if (g_strcmp0(config_keys[i].name, "connectors") == 0)
			assert_string_equal(
				shown,
				"{\"my_password\":\"***\",\"x\":{\"y\":\"***\"},\"z\":\"seen\"}");
		if (g_strcmp0(config_keys[i].name, "instance.name") == 0)
			assert_string_equal(shown, "***");
	}
	assert_string_equal(config_text(config, "instance.name"), "a hunter2");
}

static void numbers_as_text_are_said_to_be(void **state)
{
	config_fixture_overlay("instance: {name: 1.1}\n");
	assert_problems(
		"warning: data/state/instance.yaml:1:12: instance.name is not text: write it "
		"in quotes to keep it as it is typed\n");
	assert_text("instance.name", "1.1");
}

static void snapshots_are_counted(void **state)
{
	config_fixture_overlay("instance: {name: first}\n");
	struct configuration *config = config_inspect("data");
	struct configuration *other = configuration_ref(config);
	configuration_free(config);
	config_fixture_overlay("instance: {name: second}\n");
	assert_string_equal(config_text(other, "instance.name"), "first");
	configuration_free(other);
	configuration_free(NULL);
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, config_fixture_set_up, config_fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(no_file_means_defaults),
		TEST(an_empty_list_is_an_answer_too),
		TEST(overlay_goes_over_the_static_file),
		TEST(null_means_the_default),
		TEST(zero_and_false_are_values),
		TEST(environment_goes_over_the_files),
		TEST(foreign_variables_only_warn),
		TEST(origins_are_known),
		TEST(static_file_is_found),
		TEST(variables_are_put_in),
		TEST(what_is_no_reference_stays),
		TEST(unset_variables_are_reported),
		TEST(covered_variables_do_not_matter),
		TEST(variables_cannot_blow_up_a_text),
		TEST(hostile_references_are_bounded),
		TEST(saved_variables_stand_behind_the_environment),
		TEST(saved_variables_reach_the_files),
		TEST(unknown_keys_are_reported),
		TEST(control_characters_do_not_reach_messages),
		TEST(wrong_types_are_errors_and_the_rest_counts),
		TEST(unreadable_files_are_errors),
		TEST(hostile_files_are_errors),
		TEST(empty_files_are_said_to_be),
		TEST(required_keys_may_stand_in_the_overlay),
		TEST(thousands_of_typos_are_bounded),
		TEST(secrets_are_not_shown),
		TEST(numbers_as_text_are_said_to_be),
		TEST(snapshots_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
