/* src/state/tokens: creation, lists, revocation, use. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/tokens.h"

static struct token *create(struct state *state, const char *id, const char *user)
{
	g_autoptr(GError) error = NULL;
	struct token values;
	record_init(&token_type, &values);
	values.id = id;
	values.user_id = user;
	values.name = "laptop";
	values.token_hash = "hash";
	values.prefix = "pre";
	values.expires_at = 4102444800000000;
	struct token *token = tokens_create(state, &values, &error);
	if (!token)
		fail_msg("%s", error->message);
	return token;
}

static void a_new_token_is_unused(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO users (id, email) VALUES ('u1', 'a@example.com')");
	g_autoptr(token_record) made = create(state, NULL, "u1");
	assert_true(g_uuid_string_is_valid(made->id));
	g_autoptr(token_record) found = tokens_find(state, made->id, NULL);
	assert_string_equal(found->token_hash, "hash");
	assert_string_equal(found->user_email, "a@example.com");
	assert_int_equal(found->expires_at, 4102444800000000);
	assert_true(found->created_at != DUCK_NO_TIME);
	assert_int_equal(found->last_used_at, DUCK_NO_TIME);
	assert_int_equal(found->revoked_at, DUCK_NO_TIME);
	assert_null(found->scopes);
}

static void tokens_are_listed_newest_first(void **context)
{
	struct state *state = state_of(context);
	state_run(state, "INSERT INTO users (id, email) VALUES ('u1', 'a@example.com')");
	record_free(create(state, "t1", "u1"));
	record_free(create(state, "t2", "gone"));
	record_free(create(state, "t3", "u1"));
	assert_ok(tokens_revoke(state, "t1", &failure));
	g_autoptr(GPtrArray) all = tokens_list(state, NULL, true, NULL);
	g_autoptr(GPtrArray) of_user = tokens_list(state, "u1", true, NULL);
	g_autoptr(GPtrArray) valid = tokens_list(state, "u1", false, NULL);
	assert_ids(all, "t3,t2,t1");
	assert_ids(of_user, "t3,t1");
	assert_ids(valid, "t3");
	assert_null(((struct token *)all->pdata[1])->user_email);
}

static void tokens_of_the_same_instant_are_listed_newest_first(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO personal_access_tokens (id, user_id, name, token_hash, prefix, "
		  "created_at) SELECT 't' || i, 'u', 'n', 'h', 'p', '2026-01-01' "
		  "FROM range(1, 4) t(i)");
	g_autoptr(GPtrArray) all = tokens_list(state, NULL, true, NULL);
	assert_ids(all, "t3,t2,t1");
}

static void a_repeated_revocation_overwrites_the_time(void **context)
{
	struct state *state = state_of(context);
	record_free(create(state, "t1", "u1"));
	assert_ok(tokens_revoke(state, "t1", &failure));
	g_autoptr(token_record) first = tokens_find(state, "t1", NULL);
	assert_ok(tokens_revoke(state, "t1", &failure));
	g_autoptr(token_record) second = tokens_find(state, "t1", NULL);
	assert_true(first->revoked_at != DUCK_NO_TIME);
	assert_true(second->revoked_at > first->revoked_at);
}

static void a_use_is_remembered(void **context)
{
	struct state *state = state_of(context);
	record_free(create(state, "t1", "u1"));
	assert_ok(tokens_mark_used(state, "t1", "127.0.0.1", &failure));
	g_autoptr(token_record) used = tokens_find(state, "t1", NULL);
	assert_true(used->last_used_at != DUCK_NO_TIME);
	assert_string_equal(used->last_used_ip, "127.0.0.1");
	assert_ok(tokens_mark_used(state, "t1", NULL, &failure));
	g_autoptr(token_record) again = tokens_find(state, "t1", NULL);
	assert_null(again->last_used_ip);
	assert_int_equal(again->revoked_at, DUCK_NO_TIME);
}

static void unknown_tokens_are_not_found(void **context)
{
	struct state *state = state_of(context);
	assert_code(tokens_find(state, "t", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(tokens_revoke(state, "t", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(tokens_mark_used(state, "t", NULL, &failure), AGNES_ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_new_token_is_unused),
		STATE_TEST(tokens_are_listed_newest_first),
		STATE_TEST(tokens_of_the_same_instant_are_listed_newest_first),
		STATE_TEST(a_repeated_revocation_overwrites_the_time),
		STATE_TEST(a_use_is_remembered),
		STATE_TEST(unknown_tokens_are_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
