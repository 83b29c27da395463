/* Metrics from YAML files into the state and back. */
#include "base/files.h"
#include "engine/metrics.h"
#include "state_fixture.h"

#include <string.h>

static struct metric_pack *parse(const char *text, GError **error)
{
	return metric_pack_parse(text, strlen(text), "m.yml", error);
}

static const struct metric *metric_at(const struct metric_pack *pack, guint i)
{
	assert_true(i < pack->metrics->len);
	return pack->metrics->pdata[i];
}

static void assert_refused(const char *text, const char *start)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(metric_pack) pack = parse(text, &error);
	if (pack)
		fail_msg("taken: %s", text);
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_INVALID));
	if (!g_str_has_prefix(error->message, start))
		fail_msg("'%s' does not start with '%s'", error->message, start);
}

static void write_file(const char *folder, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *parent = g_path_get_dirname(path);
	assert_ok(files_make_folder(parent, &failure));
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void what_is_absent_has_its_default(void **context)
{
	g_autoptr(metric_pack) pack = parse("name: a\ncategory: c\n", NULL);
	const struct metric *metric = metric_at(pack, 0);
	assert_string_equal(metric->id, "c/a");
	assert_string_equal(metric->display_name, "a");
	assert_string_equal(metric->type, "sum");
	assert_string_equal(metric->grain, "monthly");
	assert_string_equal(metric->sql, "");
	assert_string_equal(metric->source, "yaml_import");
	assert_null(metric->unit);
	assert_null(metric->table_name);
	assert_null(metric->tables);
	assert_null(metric->sql_variants);
	assert_null(metric->validation);
}

static void each_key_has_its_column(void **context)
{
	g_autoptr(metric_pack) pack = parse("- name: a\n"
					    "  category: c\n"
					    "  display_name: A!\n"
					    "  description: 2024\n"
					    "  type: null\n"
					    "  grain: ~\n"
					    "  unit: €\n"
					    "  table_name: old\n"
					    "  table: new\n"
					    "  tables: [x, y]\n"
					    "  notes: []\n"
					    "  synonyms: [1, true, s]\n"
					    "  sql: SELECT 1\n"
					    "  sql_by_day: SELECT 2\n"
					    "  sql_by_null: ~\n"
					    "  sql_other: ignored\n"
					    "  validation: {min: 0.5, tests: [a]}\n"
					    "  strange: ignored\n"
					    "- name: b\n"
					    "  category: c\n"
					    "  table_name: t\n",
					    NULL);
	assert_int_equal(pack->metrics->len, 2);
	const struct metric *a = metric_at(pack, 0);
	assert_string_equal(a->display_name, "A!");
	assert_string_equal(a->description, "2024");
	assert_null(a->type);
	assert_null(a->grain);
	assert_string_equal(a->table_name, "new");
	assert_string_equal(a->tables[1], "y");
	assert_null(a->tables[2]);
	assert_null(a->notes[0]);
	assert_string_equal(a->synonyms[0], "1");
	assert_string_equal(a->synonyms[1], "true");
	assert_string_equal(a->sql_variants, "{\"by_day\":\"SELECT 2\",\"by_null\":null}");
	assert_string_equal(a->validation, "{\"min\":0.5,\"tests\":[\"a\"]}");
	assert_string_equal(metric_at(pack, 1)->table_name, "t");
}

static void a_text_is_a_list_of_one(void **context)
{
	g_autoptr(metric_pack) pack = parse("name: a\ncategory: c\nsynonyms: one\n", NULL);
	assert_string_equal(metric_at(pack, 0)->synonyms[0], "one");
	assert_null(metric_at(pack, 0)->synonyms[1]);
}

static void what_is_no_metric_is_skipped(void **context)
{
	g_autoptr(metric_pack) pack = parse("- just text\n- [1]\n- {display_name: x}\n- {name: ~}\n"
					    "- {name: a, category: c}\n- ~\n",
					    NULL);
	assert_int_equal(pack->metrics->len, 1);
	g_autoptr(metric_pack) empty = parse("# nothing\n", NULL);
	assert_int_equal(empty->metrics->len, 0);
}

static void what_is_wrong_is_named_with_its_place(void **context)
{
	assert_refused("name: a\ncategory: c\nsynonyms: {x: y}\n", "m.yml:3:1: 'synonyms'");
	assert_refused("name: a\ncategory: c\nnotes: [x, [y]]\n", "m.yml:3:12: 'notes'");
	assert_refused("- name: a\n  category: c\n- name: b\n  category: c\n  unit: [x]\n",
		       "m.yml:5:3: 'unit'");
	assert_refused("name: a\ncategory: c\nsql: ~\n", "m.yml:3:1: 'sql'");
	assert_refused("name: a\ncategory: c\ndisplay_name: ~\n", "m.yml:3:1: 'display_name'");
	assert_refused("name: a\ncategory: c\nsql_by_x: {}\n", "m.yml:3:1: 'sql_by_x'");
	assert_refused("name: {}\ncategory: c\n", "m.yml:1:1: 'name'");
	assert_refused("name: a\n", "m.yml:1:1: metric 'a' has no 'category'");
	assert_refused("name: a\ncategory: ~\n", "m.yml:1:1: metric 'a' has no 'category'");
	assert_refused("text\n", "m.yml:1:1: ");
	assert_refused("name: a\nname: b\n", "m.yml:2:1: ");
	assert_refused("name: [a\n", "m.yml:");
	assert_refused("name: ../../etc/passwd\ncategory: c\n", "m.yml:1:1: ");
	assert_refused("name: a\ncategory: ..\n", "m.yml:2:1: ");
	assert_refused("name: \"a\\nb\"\ncategory: c\n", "m.yml:1:1: ");
	assert_refused("name: \"\"\ncategory: c\n", "m.yml:1:1: ");
}

static void a_folder_is_read_one_level_deep(void **context)
{
	const char *folder = state_fixture_folder(context);
	g_autofree char *root = g_build_filename(folder, "metrics", NULL);
	write_file(root, "metrics.yml", "name: index\ncategory: none\n");
	write_file(root, "b/second.yml", "name: two\n");
	write_file(root, "a/first.yml", "[{name: one}, {name: three, category: other}]");
	write_file(root, "a/deep/er.yml", "name: deep\n");
	write_file(root, "a/not.yaml", "name: not\n");
	write_file(root, ".git/x.yml", "name: hidden\n");
	g_autoptr(metric_pack) pack = metric_pack_read(root, NULL);
	assert_int_equal(pack->metrics->len, 3);
	assert_string_equal(metric_at(pack, 0)->id, "a/one");
	assert_string_equal(metric_at(pack, 1)->id, "other/three");
	assert_string_equal(metric_at(pack, 2)->id, "b/two");
	g_autofree char *one_file = g_build_filename(root, "b", "second.yml", NULL);
	g_autoptr(metric_pack) single = metric_pack_read(one_file, NULL);
	assert_string_equal(metric_at(single, 0)->id, "b/two");
	assert_code(metric_pack_read("/nonexistent/m.yml", &failure), AGNES_ERROR_NOT_FOUND);
	write_file(root, "z/bad.yml", "name: bad\nnotes: {}\n");
	assert_code(metric_pack_read(root, &failure), AGNES_ERROR_INVALID);
}

static void an_import_replaces_and_comes_back_from_an_export(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *folder = g_build_filename(state_fixture_folder(context), "out", NULL);
	g_autoptr(metric_pack) first = parse("{name: a, category: c, unit: old}", NULL);
	g_autoptr(metric_pack) second = parse("- name: a\n  category: c\n  table: orders\n"
					      "  tables: [orders, x]\n  filters: ['a: b', \"é\"]\n"
					      "  sql: \"SELECT 1\\nFROM t\\n\"\n"
					      "  sql_by_day: SELECT 2\n  validation: {min: 1}\n"
					      "- {name: Tržby 2, category: d e}\n",
					      NULL);
	assert_ok(metrics_save(state, first->metrics, &failure));
	assert_ok(metrics_save(state, second->metrics, &failure));
	g_autoptr(GPtrArray) stored = metrics_list(state, NULL, NULL);
	assert_ids(stored, "d e/Tržby 2,c/a");
	assert_ok(metrics_export(stored, folder, &failure));
	g_autoptr(metric_pack) again = metric_pack_read(folder, NULL);
	assert_int_equal(again->metrics->len, 2);
	const struct metric *back = metric_at(again, 0), *original = metric_at(second, 0);
	assert_string_equal(back->id, original->id);
	assert_null(back->unit);
	assert_string_equal(back->sql, original->sql);
	assert_string_equal(back->sql_variants, original->sql_variants);
	assert_string_equal(back->validation, original->validation);
	assert_string_equal(back->filters[0], original->filters[0]);
	assert_string_equal(back->tables[1], "x");
	assert_string_equal(metric_at(again, 1)->id, "d e/Tržby 2");
	g_autofree char *used = metrics_used_by(state, "x", NULL);
	assert_string_equal(used, "[{\"name\":\"a\",\"file\":\"c/a.yml\"}]");
	g_autofree char *unused = metrics_used_by(state, "nobody", NULL);
	assert_string_equal(unused, "[]");
}

static void an_export_stays_in_its_folder(void **context)
{
	struct metric evil;
	g_autoptr(GPtrArray) metrics = g_ptr_array_new();
	metric_init(&evil);
	evil.id = "c/../../evil";
	evil.name = "../../evil";
	evil.category = "c";
	g_ptr_array_add(metrics, &evil);
	g_autofree char *folder = g_build_filename(state_fixture_folder(context), "a", "b", NULL);
	assert_code(metrics_export(metrics, folder, &failure), AGNES_ERROR_INVALID);
	assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_absent_has_its_default),
		cmocka_unit_test(each_key_has_its_column),
		cmocka_unit_test(a_text_is_a_list_of_one),
		cmocka_unit_test(what_is_no_metric_is_skipped),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
		STATE_TEST(a_folder_is_read_one_level_deep),
		STATE_TEST(an_import_replaces_and_comes_back_from_an_export),
		STATE_TEST(an_export_stays_in_its_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
