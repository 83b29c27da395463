/* src/state/scripts: deployment, the claim that one caller wins, runs that nobody finished. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/scripts.h"

static void deploy(struct state *state, const char *id, const char *name, const char *source)
{
	struct script values;
	record_init(&script_type, &values);
	values.id = id;
	values.name = name;
	values.owner = "owner";
	values.schedule = "every 15m";
	values.source = source;
	assert_ok(scripts_upsert(state, &values, &failure));
}

static void a_deployed_script_has_not_run(void **context)
{
	struct state *state = state_of(context);
	deploy(state, "1", "it's \"100%_\" \xf0\x9f\xa6\x86", "print('x')\n");
	g_autoptr(script_record) script = scripts_find(state, "1", NULL);
	assert_string_equal(script->name, "it's \"100%_\" \xf0\x9f\xa6\x86");
	assert_string_equal(script->source, "print('x')\n");
	assert_string_equal(script->schedule, "every 15m");
	assert_true(script->deployed_at != DUCK_NO_TIME);
	assert_true(script->last_run == DUCK_NO_TIME);
	assert_null(script->last_status);
}

static void a_second_deployment_keeps_owner_and_runs(void **context)
{
	struct state *state = state_of(context);
	deploy(state, "1", "first", "a");
	assert_ok(scripts_claim(state, "1", &failure));
	struct script values;
	record_init(&script_type, &values);
	values.id = "1";
	values.name = "second";
	values.owner = "somebody else";
	values.source = "b";
	assert_ok(scripts_upsert(state, &values, &failure));
	g_autoptr(script_record) script = scripts_find(state, "1", NULL);
	assert_string_equal(script->name, "second");
	assert_string_equal(script->source, "b");
	assert_null(script->schedule);
	assert_string_equal(script->owner, "owner");
	assert_string_equal(script->last_status, "running");
	assert_true(script->last_run != DUCK_NO_TIME);
}

static void the_list_is_ordered_by_name(void **context)
{
	struct state *state = state_of(context);
	deploy(state, "1", "b", "x");
	deploy(state, "2", "a", "x");
	deploy(state, "3", "b", "x");
	g_autoptr(GPtrArray) scripts = scripts_list(state, NULL);
	assert_ids(scripts, "2,1,3");
}

static void a_deleted_script_is_gone(void **context)
{
	struct state *state = state_of(context);
	deploy(state, "1", "a", "x");
	assert_ok(scripts_delete(state, "1", &failure));
	assert_code(scripts_delete(state, "1", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(scripts_find(state, "1", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(scripts_claim(state, "1", &failure), AGNES_ERROR_BUSY);
	assert_ok(scripts_finish(state, "1", true, &failure));
}

static void a_running_script_is_not_claimed_again(void **context)
{
	struct state *state = state_of(context);
	deploy(state, "1", "a", "x");
	deploy(state, "2", "b", "x");
	assert_ok(scripts_claim(state, "1", &failure));
	assert_code(scripts_claim(state, "1", &failure), AGNES_ERROR_BUSY);
	assert_ok(scripts_claim(state, "2", &failure));
	assert_ok(scripts_finish(state, "1", true, &failure));
	g_autoptr(script_record) succeeded = scripts_find(state, "1", NULL);
	assert_string_equal(succeeded->last_status, "success");
	assert_ok(scripts_claim(state, "1", &failure));
	assert_ok(scripts_finish(state, "1", false, &failure));
	g_autoptr(script_record) failed = scripts_find(state, "1", NULL);
	assert_string_equal(failed->last_status, "failure");
	assert_ok(scripts_claim(state, "1", &failure));
}

enum { CLAIMERS = 4, ROUNDS = 25 };

struct claimer {
	struct state *state;
	int wins, losses;
};

static gpointer claim_each(gpointer data)
{
	struct claimer *claimer = data;
	for (int i = 0; i < ROUNDS; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *id = g_strdup_printf("%d", i);
		if (scripts_claim(claimer->state, id, &error))
			claimer->wins++;
		else if (g_error_matches(error, AGNES_ERROR, AGNES_ERROR_BUSY))
			claimer->losses++;
	}
	return NULL;
}

static void of_many_claimers_one_wins(void **context)
{
	struct state *state = state_of(context);
	struct claimer claimers[CLAIMERS] = {0};
	GThread *threads[CLAIMERS];
	int wins = 0, losses = 0;
	for (int i = 0; i < ROUNDS; i++) {
		g_autofree char *id = g_strdup_printf("%d", i);
		deploy(state, id, "raced", "x");
	}
	for (int i = 0; i < CLAIMERS; i++) {
		claimers[i].state = state;
		threads[i] = g_thread_new("claimer", claim_each, &claimers[i]);
	}
	for (int i = 0; i < CLAIMERS; i++) {
		g_thread_join(threads[i]);
		wins += claimers[i].wins;
		losses += claimers[i].losses;
	}
	assert_int_equal(wins, ROUNDS);
	assert_int_equal(losses, ROUNDS * (CLAIMERS - 1));
}

static void runs_that_nobody_finished_become_failures(void **context)
{
	struct state *state = state_of(context);
	deploy(state, "old", "a", "x");
	deploy(state, "new", "b", "x");
	deploy(state, "ended", "c", "x");
	deploy(state, "unknown", "d", "x");
	state_run(state, "UPDATE script_registry SET last_status = 'running', last_run = "
			 "TIMESTAMP '2020-01-01' WHERE id = 'old';"
			 "UPDATE script_registry SET last_status = 'success', last_run = "
			 "TIMESTAMP '2020-01-01' WHERE id = 'ended';"
			 "UPDATE script_registry SET last_status = 'running' WHERE id = 'unknown'");
	assert_ok(scripts_claim(state, "new", &failure));
	int64_t before = g_get_real_time() - G_TIME_SPAN_HOUR;
	assert_int_equal(scripts_fail_stale(state, before, NULL), 2);
	assert_int_equal(scripts_fail_stale(state, before, NULL), 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM script_registry WHERE "
					     "id IN ('old', 'unknown') AND last_status = "
					     "'failure'"),
			 2);
	assert_code(scripts_claim(state, "new", &failure), AGNES_ERROR_BUSY);
	assert_ok(scripts_claim(state, "old", &failure));
	g_autoptr(script_record) ended = scripts_find(state, "ended", NULL);
	assert_string_equal(ended->last_status, "success");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_deployed_script_has_not_run),
		STATE_TEST(a_second_deployment_keeps_owner_and_runs),
		STATE_TEST(the_list_is_ordered_by_name),
		STATE_TEST(a_deleted_script_is_gone),
		STATE_TEST(a_running_script_is_not_claimed_again),
		STATE_TEST(of_many_claimers_one_wins),
		STATE_TEST(runs_that_nobody_finished_become_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
