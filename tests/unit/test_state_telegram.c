/* src/state/telegram: links, and codes that work once, for a while. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/telegram.h"

static char *code_for(struct state *state, int64_t chat_id)
{
	g_autoptr(GError) error = NULL;
	char *code = telegram_create_code(state, chat_id, &error);
	if (!code)
		fail_msg("%s", error->message);
	return code;
}

static void a_code_links_its_chat(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *code = code_for(state, INT64_MAX);
	assert_int_equal(strspn(code, "0123456789"), TELEGRAM_CODE_DIGITS);
	assert_int_equal(strlen(code), TELEGRAM_CODE_DIGITS);
	g_autoptr(telegram_link_record) link = telegram_redeem_code(state, code, "u'1", NULL);
	assert_string_equal(link->user_id, "u'1");
	assert_true(link->chat_id == INT64_MAX);
	g_autoptr(telegram_link_record) found = telegram_find_link(state, "u'1", NULL);
	assert_int_equal(found->linked_at, link->linked_at);
}

static void a_code_works_once(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *code = code_for(state, 5);
	g_autoptr(telegram_link_record) link = telegram_redeem_code(state, code, "a", NULL);
	assert_non_null(link);
	assert_code(telegram_redeem_code(state, code, "b", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(telegram_find_link(state, "b", &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM pending_codes"), 0);
}

static void what_is_no_code_changes_nothing(void **context)
{
	struct state *state = state_of(context);
	g_autofree char *code = code_for(state, 5);
	const char *const wrong[] = {
		"", "%", "______", "' OR 1=1 --", "1234567", "\xf0\x9f\xa6\x86"};
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		assert_code(telegram_redeem_code(state, wrong[i], "a", &failure),
			    AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM pending_codes"), 1);
	assert_int_equal(state_number(state, "SELECT count(*) FROM telegram_links"), 0);
}

static void a_code_has_an_age_limit(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO pending_codes VALUES ('111111', 1, now() - INTERVAL 601 "
		  "SECOND), ('222222', 2, now() - INTERVAL 500 SECOND), ('333333', 3, NULL)");
	assert_code(telegram_redeem_code(state, "111111", "a", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(telegram_redeem_code(state, "333333", "a", &failure), AGNES_ERROR_NOT_FOUND);
	g_autoptr(telegram_link_record) link = telegram_redeem_code(state, "222222", "a", NULL);
	assert_int_equal(link->chat_id, 2);
}

static void a_new_code_replaces_the_chats_last_one_and_sweeps_old_ones(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO pending_codes VALUES ('old', 1, now() - INTERVAL 601 SECOND), "
		  "('mine', 7, now()), ('other', 8, now())");
	g_autofree char *code = code_for(state, 7);
	assert_int_equal(state_number(state, "SELECT count(*) FROM pending_codes"), 2);
	assert_int_equal(
		state_number(state, "SELECT count(*) FROM pending_codes WHERE code = 'other'"), 1);
	assert_int_equal(
		state_number(state, "SELECT count(*) FROM pending_codes WHERE chat_id = 7"), 1);
}

static void a_taken_code_is_not_drawn_and_a_full_house_is_told(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO pending_codes SELECT printf('%06d', i), i + 10, now() "
			 "FROM range(1000000) t(i) WHERE i % 2 <> 0");
	for (int64_t chat = 1; chat < 9; chat++) {
		g_autofree char *code = code_for(state, chat);
		assert_int_equal(g_ascii_strtoull(code, NULL, 10) % 2, 0);
	}
	state_run(state,
		  "INSERT OR IGNORE INTO pending_codes SELECT printf('%06d', i), i + 10, now() "
		  "FROM range(1000000) t(i)");
	assert_code(telegram_create_code(state, 9, &failure), AGNES_ERROR_BUSY);
}

static void codes_differ(void **context)
{
	struct state *state = state_of(context);
	for (int64_t chat = 0; chat < 50; chat++)
		g_free(code_for(state, chat));
	assert_int_equal(state_number(state, "SELECT count(DISTINCT code) FROM pending_codes"), 50);
	assert_true(
		state_number(state, "SELECT max(code::INT) - min(code::INT) FROM pending_codes") >
		100000);
}

static void a_link_is_replaced_and_removed(void **context)
{
	struct state *state = state_of(context);
	assert_ok(telegram_link(state, "a", -100, &failure));
	assert_ok(telegram_link(state, "a", 200, &failure));
	assert_ok(telegram_link(state, "b", 300, &failure));
	g_autoptr(telegram_link_record) link = telegram_find_link_of_chat(state, 200, NULL);
	assert_string_equal(link->user_id, "a");
	assert_code(telegram_find_link_of_chat(state, -100, &failure), AGNES_ERROR_NOT_FOUND);
	assert_ok(telegram_unlink(state, "a", &failure));
	assert_ok(telegram_unlink(state, "a", &failure));
	assert_code(telegram_find_link(state, "a", &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM telegram_links"), 1);
}

enum { USERS = 4, CODE_COUNT = 20 };

struct redeemer {
	struct state *state;
	char **codes;
	int index, wins;
};

static gpointer redeem_each(gpointer data)
{
	struct redeemer *redeemer = data;
	for (char **code = redeemer->codes; *code; code++) {
		g_autofree char *user = g_strdup_printf("%d-%s", redeemer->index, *code);
		g_autoptr(telegram_link_record)
			link = telegram_redeem_code(redeemer->state, *code, user, NULL);
		redeemer->wins += link != NULL;
	}
	return NULL;
}

static void of_many_who_type_a_code_one_is_linked(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (int64_t chat = 0; chat < CODE_COUNT; chat++) {
		g_autofree char *code = code_for(state, chat);
		g_strv_builder_add(builder, code);
	}
	g_auto(GStrv) codes = g_strv_builder_end(builder);
	struct redeemer redeemers[USERS];
	GThread *threads[USERS];
	int wins = 0;
	for (int i = 0; i < USERS; i++) {
		redeemers[i] = (struct redeemer){state, codes, i, 0};
		threads[i] = g_thread_new("redeemer", redeem_each, &redeemers[i]);
	}
	for (int i = 0; i < USERS; i++) {
		g_thread_join(threads[i]);
		wins += redeemers[i].wins;
	}
	assert_int_equal(wins, CODE_COUNT);
	assert_int_equal(state_number(state, "SELECT count(DISTINCT chat_id) FROM telegram_links"),
			 CODE_COUNT);
	assert_int_equal(state_number(state, "SELECT count(*) FROM telegram_links"), CODE_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_code_links_its_chat),
		STATE_TEST(a_code_works_once),
		STATE_TEST(what_is_no_code_changes_nothing),
		STATE_TEST(a_code_has_an_age_limit),
		STATE_TEST(a_new_code_replaces_the_chats_last_one_and_sweeps_old_ones),
		STATE_TEST(a_taken_code_is_not_drawn_and_a_full_house_is_told),
		STATE_TEST(codes_differ),
		STATE_TEST(a_link_is_replaced_and_removed),
		STATE_TEST(of_many_who_type_a_code_one_is_linked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
