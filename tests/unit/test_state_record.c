/* src/state/record: every kind of field there and back, keys, kept columns, updates, JSON. */
#include "base/clock.h"
#include "base/error.h"
#include "duck_fixture.h"
#include "state/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct sample {
	const char *id, *part, *text, *json;
	int64_t small, big, at, created_at;
	double ratio;
	bool on;
	enum record_flag flag;
	char **list;
};
DEFINE_RECORD(sample)

static const struct record_field sample_fields[] = {
	RECORD_FIELD(struct sample, id, RECORD_KEY),
	RECORD_FIELD(struct sample, part, RECORD_KEY),
	RECORD_FIELD(struct sample, text, RECORD_EDITABLE),
	RECORD_FIELD(struct sample, json, RECORD_EDITABLE),
	RECORD_FIELD(struct sample, small, RECORD_EDITABLE),
	RECORD_FIELD(struct sample, big, RECORD_EDITABLE),
	RECORD_TIME(struct sample, at, RECORD_EDITABLE),
	RECORD_TIME(struct sample, created_at, RECORD_KEPT),
	RECORD_FIELD(struct sample, ratio, RECORD_EDITABLE),
	RECORD_FIELD(struct sample, on, RECORD_EDITABLE),
	RECORD_FIELD(struct sample, flag, RECORD_EDITABLE),
	RECORD_FIELD(struct sample, list, RECORD_EDITABLE),
};
static const struct record_type sample_type = RECORD_TYPE("sample", "samples", struct sample,
							  sample_fields);

static const char create[] =
	"CREATE TABLE samples (created_at TIMESTAMP, list VARCHAR[], flag BOOLEAN, \"on\" BOOLEAN, "
	"ratio DOUBLE, \"at\" TIMESTAMP, big BIGINT, small INTEGER, json JSON, text VARCHAR "
	"DEFAULT 'x', part VARCHAR, id VARCHAR, PRIMARY KEY (id, part))";

static int set_up(void **state)
{
	duck_fixture_set_up(state);
	assert_true(duck_exec(duck_fixture_connection(state), NULL, create, NULL));
	return 0;
}

static struct sample *find(void **state, const char *id, GError **error)
{
	return record_find(duck_fixture_connection(state), error, &sample_type, "WHERE id = ?", "s",
			   id);
}

static struct sample named(const char *id)
{
	struct sample sample;
	record_init(&sample_type, &sample);
	sample.id = id;
	sample.part = "p";
	return sample;
}

static void insert(void **state, const struct sample *sample)
{
	g_autoptr(GError) error = NULL;
	if (!record_insert(duck_fixture_connection(state), &sample_type, sample, &error))
		fail_msg("%s", error->message);
}

static void every_kind_comes_back(void **state)
{
	char *list[] = {(char *)"a'b", (char *)"ž", NULL};
	struct sample in = named("1");
	in.text = "it's \"text\"";
	in.json = "{\"a\":1}";
	in.small = -7;
	in.big = INT64_MAX;
	in.at = 1700000000123456;
	in.ratio = 0.5;
	in.on = true;
	in.flag = RECORD_FALSE;
	in.list = list;
	insert(state, &in);
	g_autoptr(sample_record) found = find(state, "1", NULL);
	g_autoptr(sample_record) out = record_copy(&sample_type, found);
	assert_ptr_not_equal(out->text, found->text);
	assert_ptr_not_equal(out->list, found->list);
	assert_string_equal(out->text, in.text);
	assert_string_equal(out->json, in.json);
	assert_int_equal(out->small, -7);
	assert_true(out->big == INT64_MAX);
	assert_int_equal(out->at, in.at);
	assert_true(out->ratio == 0.5);
	assert_true(out->on);
	assert_int_equal(out->flag, RECORD_FALSE);
	assert_true(g_strv_equal((const char *const *)out->list, (const char *const *)list));
}

static void null_comes_back_as_null_and_no_default_applies(void **state)
{
	struct sample in = named("1");
	insert(state, &in);
	g_autoptr(sample_record) out = find(state, "1", NULL);
	assert_null(out->text);
	assert_null(out->json);
	assert_true(out->small == RECORD_NO_INT);
	assert_true(out->at == DUCK_NO_TIME);
	assert_true(isnan(out->ratio));
	assert_false(out->on);
	assert_int_equal(out->flag, RECORD_UNSET);
	assert_null(out->list);
}

static void a_missing_row_and_a_broken_table_differ(void **state)
{
	g_autoptr(GError) missing = NULL, broken = NULL;
	assert_null(find(state, "1", &missing));
	assert_true(g_error_matches(missing, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
	assert_string_equal(missing->message, "no such sample");
	assert_true(duck_exec(duck_fixture_connection(state), NULL, "DROP TABLE samples", NULL));
	assert_null(find(state, "1", &broken));
	assert_true(g_error_matches(broken, AGNES_ERROR, AGNES_ERROR_CORRUPT));
}

static void a_second_insert_of_a_key_conflicts(void **state)
{
	g_autoptr(GError) error = NULL;
	struct sample in = named("1");
	insert(state, &in);
	assert_false(record_insert(duck_fixture_connection(state), &sample_type, &in, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT));
}

static void an_upsert_keeps_what_is_kept(void **state)
{
	char *list[] = {(char *)"l", NULL};
	struct sample in = named("1");
	in.created_at = 1000000;
	in.text = "old";
	in.list = list;
	assert_true(record_upsert(duck_fixture_connection(state), &sample_type, &in, NULL));
	in.created_at = 2000000;
	in.text = NULL;
	in.small = 3;
	assert_true(record_upsert(duck_fixture_connection(state), &sample_type, &in, NULL));
	g_autoptr(GPtrArray)
		all = record_query(duck_fixture_connection(state), NULL, &sample_type, "", NULL);
	assert_int_equal(all->len, 1);
	const struct sample *out = all->pdata[0];
	assert_int_equal(out->created_at, 1000000);
	assert_null(out->text);
	assert_int_equal(out->small, 3);
}

static void an_update_writes_the_named_columns_alone(void **state)
{
	struct duck_connection *connection = duck_fixture_connection(state);
	struct sample in = named("1"), other = named("1");
	other.part = "q";
	in.text = other.text = "old";
	in.small = 1;
	insert(state, &in);
	insert(state, &other);
	in.text = "new";
	in.small = 2;
	assert_true(
		record_update(connection, &sample_type, &in, (const char *[]){"text", NULL}, NULL));
	g_autoptr(GPtrArray) all = record_query(connection, NULL, &sample_type,
						"WHERE id = ? ORDER BY part", "s", "1");
	const struct sample *changed = all->pdata[0], *untouched = all->pdata[1];
	assert_string_equal(changed->text, "new");
	assert_int_equal(changed->small, 1);
	assert_string_equal(untouched->text, "old");
}

static void an_update_may_reach_many_rows(void **state)
{
	char *ids[] = {(char *)"1", (char *)"3", (char *)"none", NULL};
	struct sample in = named("1");
	insert(state, &in);
	in.id = "2";
	insert(state, &in);
	in.id = "3";
	insert(state, &in);
	in.text = "new";
	const char *const columns[] = {"text", NULL}, *const key[] = {"id", NULL};
	const char tail[] = "WHERE list_contains(?, id) AND part = ?";
	assert_int_equal(record_update_where(duck_fixture_connection(state), NULL, &sample_type,
					     &in, columns, tail, "as", ids, "p"),
			 2);
	assert_int_equal(record_update_where(duck_fixture_connection(state), NULL, &sample_type,
					     &in, columns, tail, "as", ids, "q"),
			 0);
	assert_int_equal(record_update_where(duck_fixture_connection(state), NULL, &sample_type,
					     &in, key, tail, "as", ids, "p"),
			 -1);
	g_autoptr(sample_record) picked = find(state, "3", NULL);
	assert_string_equal(picked->text, "new");
	g_autoptr(sample_record) other = find(state, "2", NULL);
	assert_null(other->text);
}

static void an_update_refuses_other_columns_and_missing_rows(void **state)
{
	struct duck_connection *connection = duck_fixture_connection(state);
	g_autoptr(GError) refused = NULL, missing = NULL;
	struct sample in = named("1");
	assert_false(record_update(connection, &sample_type, &in,
				   (const char *[]){"text", "created_at", NULL}, &refused));
	assert_true(g_error_matches(refused, AGNES_ERROR, AGNES_ERROR_INVALID));
	assert_false(record_update(connection, &sample_type, &in, (const char *[]){"text", NULL},
				   &missing));
	assert_true(g_error_matches(missing, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
	assert_true(record_update(connection, &sample_type, &in, (const char *[]){NULL}, NULL));
}

static void what_is_taken_is_handed_out_as_it_was(void **state)
{
	struct duck_connection *connection = duck_fixture_connection(state);
	g_autoptr(GError) error = NULL;
	struct sample first = named("1"), second = named("2");
	first.text = "kept";
	insert(state, &first);
	insert(state, &second);
	g_autoptr(sample_record)
		taken = record_take(connection, NULL, &sample_type, "WHERE id = ?", "s", "1");
	assert_string_equal(taken->id, "1");
	assert_string_equal(taken->text, "kept");
	assert_null(find(state, "1", NULL));
	g_autoptr(sample_record) other = find(state, "2", NULL);
	assert_non_null(other);
	assert_null(record_take(connection, &error, &sample_type, "WHERE id = ?", "s", "1"));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
}

static void many_are_inserted_and_read_in_order(void **state)
{
	enum { MANY = 5000 };
	struct duck_connection *connection = duck_fixture_connection(state);
	g_autoptr(GPtrArray) in = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	for (int64_t i = 0; i < MANY; i++) {
		struct sample *sample = g_new(struct sample, 1);
		g_ptr_array_add(ids, g_strdup_printf("%05d", (int)i));
		*sample = named(ids->pdata[i]);
		sample->big = i;
		g_ptr_array_add(in, sample);
	}
	g_auto(duck_transaction) transaction = {0};
	assert_true(duck_transaction_begin(&transaction, connection, NULL));
	assert_true(record_insert_many(connection, &sample_type, in, NULL));
	assert_true(duck_transaction_commit(&transaction, NULL));
	g_autoptr(GPtrArray) out = record_query(connection, NULL, &sample_type,
						"WHERE big >= ? ORDER BY id DESC", "i", (int64_t)1);
	assert_int_equal(out->len, MANY - 1);
	assert_string_equal(((struct sample *)out->pdata[0])->id, "04999");
	assert_int_equal(((struct sample *)out->pdata[MANY - 2])->big, 1);
}

/* Every other record has all fields set, the rest only a key. */
static GPtrArray *mixed(GPtrArray *ids, int64_t count, char **list)
{
	GPtrArray *records = g_ptr_array_new_with_free_func(g_free);
	for (int64_t i = 0; i < count; i++) {
		struct sample *sample = g_new(struct sample, 1);
		g_ptr_array_add(ids, g_strdup_printf("%03d", (int)i));
		*sample = named(ids->pdata[i]);
		if (i % 2) {
			sample->text = "it's";
			sample->json = "[1]";
			sample->small = i;
			sample->big = -i;
			sample->at = sample->created_at = 1700000000123456 + i;
			sample->ratio = (double)i / 2;
			sample->on = true;
			sample->flag = RECORD_FALSE;
			sample->list = list;
		}
		g_ptr_array_add(records, sample);
	}
	return records;
}

static void many_of_every_kind_come_back(void **state)
{
	enum { MANY = 100 };
	char *list[] = {(char *)"x", (char *)"", NULL};
	struct duck_connection *connection = duck_fixture_connection(state);
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) in = mixed(ids, MANY, list);
	assert_true(record_insert_many(connection, &sample_type, in, NULL));
	assert_true(record_upsert_many(connection, &sample_type, in, NULL));
	g_autoptr(GPtrArray)
		out = record_query(connection, NULL, &sample_type, "ORDER BY id", NULL);
	g_autoptr(json_t) expected = records_to_json(&sample_type, in);
	g_autoptr(json_t) got = records_to_json(&sample_type, out);
	assert_true(json_equal(got, expected));
}

static void of_many_all_or_none_are_inserted(void **state)
{
	struct duck_connection *connection = duck_fixture_connection(state);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) in = mixed(ids, 4, NULL);
	struct sample taken = named("002");
	insert(state, &taken);
	assert_false(record_insert_many(connection, &sample_type, in, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT));
	g_autoptr(GPtrArray) out = record_query(connection, NULL, &sample_type, "", NULL);
	assert_int_equal(out->len, 1);
}

static void json_follows_the_rendering_rules(void **state)
{
	char *list[] = {(char *)"x", (char *)"y", NULL};
	struct sample in = named("1");
	in.json = "{\"a\":1}";
	in.at = 1767225600000000;
	in.created_at = 1767225600000042;
	in.list = list;
	in.big = 5;
	in.flag = RECORD_TRUE;
	g_autoptr(json_t) got = record_to_json(&sample_type, &in);
	g_autoptr(json_t) expected = json_pack(
		"{s:s, s:s, s:n, s:s, s:n, s:i, s:s, s:s, s:n, s:b, s:b, s:[s, s]}", "id", "1",
		"part", "p", "text", "json", "{\"a\":1}", "small", "big", 5, "at",
		"2026-01-01T00:00:00", "created_at", "2026-01-01T00:00:00.000042", "ratio", "on", 0,
		"flag", 1, "list", "x", "y");
	assert_true(json_equal(got, expected));
}

static void times_outside_the_calendar_are_null(void **state)
{
	assert_null(clock_format(INT64_MAX));
	assert_null(clock_format(DUCK_NO_TIME));
	g_autofree char *before = clock_format(-1);
	assert_string_equal(before, "1969-12-31T23:59:59.999999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_kind_comes_back, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(null_comes_back_as_null_and_no_default_applies,
						set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_missing_row_and_a_broken_table_differ, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(a_second_insert_of_a_key_conflicts, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_upsert_keeps_what_is_kept, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_update_writes_the_named_columns_alone, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_update_may_reach_many_rows, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(an_update_refuses_other_columns_and_missing_rows,
						set_up, duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(what_is_taken_is_handed_out_as_it_was, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(many_are_inserted_and_read_in_order, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(many_of_every_kind_come_back, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test_setup_teardown(of_many_all_or_none_are_inserted, set_up,
						duck_fixture_tear_down),
		cmocka_unit_test(json_follows_the_rendering_rules),
		cmocka_unit_test(times_outside_the_calendar_are_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
