/* src/state/users: look-ups, creation, updates, the last administrator, one-time tokens. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/users.h"

static struct user *create(struct state *state, const char *id, const char *email)
{
	g_autoptr(GError) error = NULL;
	struct user values;
	record_init(&user_type, &values);
	values.id = id;
	values.email = email;
	values.name = "Some One";
	struct user *user = users_create(state, &values, &error);
	if (!user)
		fail_msg("%s", error->message);
	return user;
}

static void add(struct state *state, const char *id)
{
	g_autofree char *email = g_strdup_printf("%s@example.com", id);
	record_free(create(state, id, email));
}

static void make_admin(struct state *state, const char *id)
{
	g_autofree char *sql = g_strdup_printf(
		"INSERT INTO user_group_members (user_id, group_id, source) SELECT '%s', id, "
		"'admin' FROM user_groups WHERE name = 'Admin'",
		id);
	state_run(state, sql);
}

static bool set_active(struct state *state, const char *id, bool active, GError **error)
{
	struct user values;
	record_init(&user_type, &values);
	values.id = id;
	values.active = active ? RECORD_TRUE : RECORD_FALSE;
	return users_update(state, &values, (const char *[]){"active", NULL}, error);
}

static void a_new_user_has_an_id_and_times_and_is_active(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(user_record) made = create(state, NULL, "a@example.com");
	assert_true(g_uuid_string_is_valid(made->id));
	assert_int_equal(made->active, RECORD_TRUE);
	assert_true(made->created_at != DUCK_NO_TIME);
	assert_int_equal(made->created_at, made->updated_at);
	g_autoptr(user_record) found = users_find(state, made->id, NULL);
	assert_string_equal(found->email, "a@example.com");
	assert_null(found->password_hash);
	assert_int_equal(state_number(state, "SELECT count(*) FROM user_group_members"), 0);
}

static void emails_are_compared_byte_for_byte(void **context)
{
	struct state *state = state_of(context);
	record_free(create(state, NULL, "A@example.com"));
	assert_code(users_find_by_email(state, "a@example.com", &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(users_find_by_email(state, "A@example.com ", &failure), AGNES_ERROR_NOT_FOUND);
	g_autoptr(user_record) found = users_find_by_email(state, "A@example.com", NULL);
	assert_non_null(found);
	record_free(create(state, NULL, "a@example.com"));
}

static void an_email_is_taken_once(void **context)
{
	struct state *state = state_of(context);
	struct user again;
	record_init(&user_type, &again);
	again.email = "a@example.com";
	record_free(create(state, NULL, "a@example.com"));
	assert_code(users_create(state, &again, &failure), AGNES_ERROR_CONFLICT);
	assert_int_equal(state_number(state, "SELECT count(*) FROM users"), 1);
}

static void the_list_is_ordered_by_email(void **context)
{
	struct state *state = state_of(context);
	add(state, "b");
	add(state, "c");
	add(state, "a");
	g_autoptr(GPtrArray) users = users_list(state, NULL);
	assert_int_equal(users->len, 3);
	for (guint i = 0; i < 3; i++)
		assert_int_equal(((struct user *)users->pdata[i])->id[0], 'a' + (int)i);
}

static void an_update_writes_what_is_named_and_stamps(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(user_record) before = create(state, "u", "u@example.com");
	struct user values;
	record_init(&user_type, &values);
	values.id = "u";
	values.password_hash = "hash";
	assert_ok(users_update(state, &values, (const char *[]){"password_hash", "name", NULL},
			       &failure));
	g_autoptr(user_record) after = users_find(state, "u", NULL);
	assert_string_equal(after->password_hash, "hash");
	assert_null(after->name);
	assert_string_equal(after->email, "u@example.com");
	assert_int_equal(after->created_at, before->created_at);
	assert_true(after->updated_at > before->updated_at);
}

static void an_update_of_nothing_writes_nothing(void **context)
{
	struct state *state = state_of(context);
	g_autoptr(user_record) before = create(state, "u", "u@example.com");
	assert_ok(users_update(state, before, (const char *[]){NULL}, &failure));
	g_autoptr(user_record) after = users_find(state, "u", NULL);
	assert_int_equal(after->updated_at, before->updated_at);
}

static void an_update_refuses_unknown_users_taken_emails_and_times(void **context)
{
	struct state *state = state_of(context);
	add(state, "u");
	add(state, "v");
	struct user values;
	record_init(&user_type, &values);
	values.id = "u";
	values.email = "v@example.com";
	assert_code(users_update(state, &values, (const char *[]){"email", NULL}, &failure),
		    AGNES_ERROR_CONFLICT);
	assert_code(users_update(state, &values, (const char *[]){"created_at", NULL}, &failure),
		    AGNES_ERROR_INVALID);
	values.id = "nobody";
	assert_code(users_update(state, &values, (const char *[]){"name", NULL}, &failure),
		    AGNES_ERROR_NOT_FOUND);
}

static void a_deleted_user_leaves_no_membership(void **context)
{
	struct state *state = state_of(context);
	add(state, "u");
	add(state, "v");
	make_admin(state, "u");
	make_admin(state, "v");
	assert_ok(users_delete(state, "u", &failure));
	assert_code(users_find(state, "u", &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM user_group_members"), 1);
}

static void deleting_nobody_changes_nothing(void **context)
{
	struct state *state = state_of(context);
	add(state, "u");
	make_admin(state, "u");
	make_admin(state, "ghost");
	assert_code(users_delete(state, "ghost", &failure), AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM user_group_members"), 2);
}

static void the_last_active_human_admin_stays(void **context)
{
	struct state *state = state_of(context);
	add(state, "u");
	add(state, "asleep");
	record_free(create(state, "robot", USERS_SCHEDULER_EMAIL));
	make_admin(state, "u");
	make_admin(state, "asleep");
	make_admin(state, "robot");
	assert_ok(set_active(state, "asleep", false, &failure));
	assert_code(users_delete(state, "u", &failure), AGNES_ERROR_CONFLICT);
	assert_code(set_active(state, "u", false, &failure), AGNES_ERROR_CONFLICT);
	assert_ok(users_delete(state, "robot", &failure));
	assert_ok(set_active(state, "asleep", true, &failure));
	assert_ok(set_active(state, "u", false, &failure));
	assert_ok(users_delete(state, "u", &failure));
}

static void admins_are_counted_by_group_name(void **context)
{
	struct state *state = state_of(context);
	assert_int_equal(users_count_admins(state, false, NULL), 0);
	add(state, "u");
	add(state, "v");
	add(state, "w");
	make_admin(state, "u");
	make_admin(state, "v");
	make_admin(state, "gone");
	assert_ok(set_active(state, "v", false, &failure));
	assert_int_equal(users_count_admins(state, false, NULL), 2);
	assert_int_equal(users_count_admins(state, true, NULL), 1);
}

static void give_reset_token(struct state *state, const char *id, int64_t made)
{
	struct user values;
	record_init(&user_type, &values);
	values.id = id;
	values.reset_token = "secret";
	values.reset_token_created = made;
	assert_ok(users_update(state, &values,
			       (const char *[]){"reset_token", "reset_token_created", NULL},
			       &failure));
}

static bool redeem(struct state *state, const char *token, int64_t not_before, GError **error)
{
	return users_redeem_token(state, USER_RESET_TOKEN, "u@example.com", token, not_before,
				  "new", error);
}

static void a_one_time_token_works_once(void **context)
{
	struct state *state = state_of(context);
	int64_t now = g_get_real_time();
	add(state, "u");
	give_reset_token(state, "u", now);
	assert_code(redeem(state, "guess", now - G_TIME_SPAN_HOUR, &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_ok(redeem(state, "secret", now - G_TIME_SPAN_HOUR, &failure));
	assert_code(redeem(state, "secret", now - G_TIME_SPAN_HOUR, &failure),
		    AGNES_ERROR_NOT_FOUND);
	g_autoptr(user_record) user = users_find(state, "u", NULL);
	assert_string_equal(user->password_hash, "new");
	assert_null(user->reset_token);
	assert_int_equal(user->reset_token_created, DUCK_NO_TIME);
}

static void old_tokens_and_those_of_inactive_users_do_not_work(void **context)
{
	struct state *state = state_of(context);
	int64_t now = g_get_real_time();
	add(state, "u");
	give_reset_token(state, "u", now - 2 * G_TIME_SPAN_HOUR);
	assert_code(redeem(state, "secret", now - G_TIME_SPAN_HOUR, &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_ok(set_active(state, "u", false, &failure));
	assert_code(redeem(state, "secret", now - 3 * G_TIME_SPAN_HOUR, &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_ok(set_active(state, "u", true, &failure));
	assert_ok(redeem(state, "secret", now - 3 * G_TIME_SPAN_HOUR, &failure));
}

static void a_token_of_the_other_kind_does_not_work(void **context)
{
	struct state *state = state_of(context);
	add(state, "u");
	give_reset_token(state, "u", g_get_real_time());
	assert_code(users_redeem_token(state, USER_SETUP_TOKEN, "u@example.com", "secret", 0, "new",
				       &failure),
		    AGNES_ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_new_user_has_an_id_and_times_and_is_active),
		STATE_TEST(emails_are_compared_byte_for_byte),
		STATE_TEST(an_email_is_taken_once),
		STATE_TEST(the_list_is_ordered_by_email),
		STATE_TEST(an_update_writes_what_is_named_and_stamps),
		STATE_TEST(an_update_of_nothing_writes_nothing),
		STATE_TEST(an_update_refuses_unknown_users_taken_emails_and_times),
		STATE_TEST(a_deleted_user_leaves_no_membership),
		STATE_TEST(deleting_nobody_changes_nothing),
		STATE_TEST(the_last_active_human_admin_stays),
		STATE_TEST(admins_are_counted_by_group_name),
		STATE_TEST(a_one_time_token_works_once),
		STATE_TEST(old_tokens_and_those_of_inactive_users_do_not_work),
		STATE_TEST(a_token_of_the_other_kind_does_not_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
