/* src/state/table_requests and session_epochs: one open request a table, one decision, ended
 * sessions. */
#include "state_fixture.h"

#include "base/error.h"
#include "state/groups.h"
#include "state/session_epochs.h"
#include "state/table_requests.h"
#include "state/users.h"

static void a_request_waits_until_it_is_decided_once(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(GError) error = NULL;
	g_autoptr(table_request_record)
		made = table_requests_create(state, "u", "orders", "for the report", &error);
	assert_null(error);
	assert_string_equal(made->status, TABLE_REQUEST_PENDING);
	assert_int_equal(made->decided_at, DUCK_NO_TIME);
	assert_true(
		table_requests_decide(state, made->id, TABLE_REQUEST_REFUSED, "admin", "no", NULL));
	assert_false(table_requests_decide(state, made->id, TABLE_REQUEST_APPROVED, "admin", NULL,
					   &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT));
	g_autoptr(table_request_record) found = table_requests_find(state, made->id, NULL);
	assert_string_equal(found->status, TABLE_REQUEST_REFUSED);
	assert_string_equal(found->answer, "no");
	assert_string_equal(found->decided_by, "admin");
}

static void the_same_table_is_asked_for_once_at_a_time(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(GError) error = NULL;
	g_autoptr(table_request_record)
		first = table_requests_create(state, "u", "orders", NULL, NULL);
	assert_null(table_requests_create(state, "u", "orders", NULL, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT));
	g_autoptr(table_request_record)
		other = table_requests_create(state, "v", "orders", NULL, NULL);
	assert_non_null(other);
	assert_true(table_requests_decide(state, first->id, TABLE_REQUEST_REFUSED, "admin", NULL,
					  NULL));
	g_autoptr(table_request_record)
		again = table_requests_create(state, "u", "orders", NULL, NULL);
	assert_non_null(again);
	g_autoptr(GPtrArray) own = table_requests_list(state, "u", NULL, NULL);
	g_autoptr(GPtrArray) open = table_requests_list(state, NULL, TABLE_REQUEST_PENDING, NULL);
	assert_int_equal(own->len, 2);
	assert_int_equal(open->len, 2);
}

static void open_requests_are_bounded(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(GError) error = NULL;
	for (int i = 0; i < TABLE_REQUESTS_OPEN; i++) {
		g_autofree char *name = g_strdup_printf("t%d", i);
		record_free(table_requests_create(state, "u", name, NULL, NULL));
	}
	assert_null(table_requests_create(state, "u", "one more", NULL, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_TOO_LARGE));
}

static void an_approval_is_whole_or_not_at_all(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(GError) error = NULL;
	struct table_approved approved;
	const struct user someone = {.email = "ann@example.com", .active = RECORD_TRUE};
	g_autoptr(user_record) ann = users_create(state, &someone, NULL);
	g_autoptr(group_record) group = groups_create(state, "readers", NULL, "admin", NULL);
	g_autoptr(table_request_record)
		made = table_requests_create(state, ann->id, "orders", NULL, NULL);
	struct table_approval approval = {.id = made->id,
					  .group_id = "nothing",
					  .table_id = "orders",
					  .decided_by = "admin",
					  .answer = "welcome"};
	assert_false(table_requests_approve(state, &approval, &approved, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
	g_clear_error(&error);
	g_autoptr(table_request_record) waits = table_requests_find(state, made->id, NULL);
	assert_string_equal(waits->status, TABLE_REQUEST_PENDING);

	approval.group_id = group->id;
	assert_true(table_requests_approve(state, &approval, &approved, NULL));
	g_autoptr(grant_record) grant = approved.grant;
	assert_string_equal(grant->resource_id, "orders");
	assert_true(approved.granted && approved.joined);
	g_autoptr(table_request_record) decided = table_requests_find(state, made->id, NULL);
	assert_string_equal(decided->status, TABLE_REQUEST_APPROVED);
	assert_string_equal(decided->answer, "welcome");

	assert_false(table_requests_approve(state, &approval, &approved, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_CONFLICT));
	assert_null(approved.grant);

	/* What is there already is what was wanted. */
	g_autoptr(table_request_record)
		second = table_requests_create(state, ann->id, "orders", NULL, NULL);
	approval.id = second->id;
	assert_true(table_requests_approve(state, &approval, &approved, NULL));
	g_autoptr(grant_record) same = approved.grant;
	assert_string_equal(same->id, grant->id);
	assert_false(approved.granted || approved.joined);
	g_autoptr(GPtrArray) grants = grants_list(state, NULL, group->id, NULL);
	assert_int_equal(grants->len, 1);
}

static void an_unknown_request_is_not_found(void **context)
{
	g_autoptr(GError) error = NULL;
	assert_false(table_requests_decide(state_of(context), "nothing", TABLE_REQUEST_REFUSED, "a",
					   NULL, &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
}

static void ending_sessions_moves_the_epoch(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(GError) error = NULL;
	assert_null(session_epochs_find(state, "u", &error));
	assert_true(g_error_matches(error, AGNES_ERROR, AGNES_ERROR_NOT_FOUND));
	int64_t before = g_get_real_time();
	assert_true(session_epochs_end(state, "u", NULL));
	g_autoptr(session_epoch_record) first = session_epochs_find(state, "u", NULL);
	assert_true(first->not_before >= before);
	assert_true(session_epochs_end(state, "u", NULL));
	g_autoptr(session_epoch_record) second = session_epochs_find(state, "u", NULL);
	assert_true(second->not_before >= first->not_before);
	g_autoptr(GPtrArray) all = session_epochs_list(state, NULL);
	assert_int_equal(all->len, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_request_waits_until_it_is_decided_once),
		STATE_TEST(the_same_table_is_asked_for_once_at_a_time),
		STATE_TEST(open_requests_are_bounded),
		STATE_TEST(an_approval_is_whole_or_not_at_all),
		STATE_TEST(an_unknown_request_is_not_found),
		STATE_TEST(ending_sessions_moves_the_epoch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
