/* src/state/group_members: sources, lists, the last administrator, what Google says. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/group_members.h"
#include "state/groups.h"

/* Users u1..u3 (u1 with the last address) and groups g1..g3. */
static struct state *populated(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO users (id, email, name) VALUES ('u1', 'z@example.com', 'One'), "
		  "('u2', 'b@example.com', NULL), ('u3', 'a@example.com', 'Three'); "
		  "INSERT INTO user_groups (id, name) VALUES ('g1', 'zeta'), ('g2', 'beta'), "
		  "('g3', 'alpha')");
	return state;
}

static void add(struct state *state, const char *user, const char *group, enum member_source source)
{
	assert_ok(group_members_add(state, user, group, source, "x", NULL, &failure));
}

static const char *nth(const GPtrArray *memberships, guint i, bool user)
{
	const struct membership *membership = memberships->pdata[i];
	return user ? membership->user_id : membership->group_id;
}

static char *admin_group(struct state *state)
{
	g_autoptr(group_record) group = groups_find_by_name(state, GROUPS_ADMIN, NULL);
	return g_strdup(group->id);
}

static void adding_twice_keeps_the_first_source(void **context)
{
	struct state *state = populated(context);
	bool added = false;
	assert_ok(group_members_add(state, "u1", "g1", MEMBER_SEED, "seed", &added, &failure));
	assert_true(added);
	assert_ok(group_members_add(state, "u1", "g1", MEMBER_ADMIN, "boss", &added, &failure));
	assert_false(added);
	g_autoptr(GPtrArray) members = group_members_of_group(state, "g1", NULL);
	assert_int_equal(members->len, 1);
	const struct membership *membership = members->pdata[0];
	assert_string_equal(membership->source, "system_seed");
	assert_string_equal(membership->added_by, "seed");
	assert_true(membership->added_at != DUCK_NO_TIME);
	assert_string_equal(membership->email, "z@example.com");
	assert_string_equal(membership->user_name, "One");
	assert_int_equal(membership->active, RECORD_TRUE);
	assert_string_equal(membership->group_name, "zeta");
}

static void a_group_must_exist(void **context)
{
	struct state *state = populated(context);
	assert_code(group_members_add(state, "u1", "none", MEMBER_ADMIN, NULL, NULL, &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_code(group_members_remove(state, "u1", "none", MEMBER_ANY_SOURCE, &failure),
		    AGNES_ERROR_NOT_FOUND);
}

static void removal_may_ask_for_a_source(void **context)
{
	struct state *state = populated(context);
	add(state, "u1", "g1", MEMBER_GOOGLE);
	add(state, "u1", "g2", MEMBER_GOOGLE);
	assert_code(group_members_remove(state, "u1", "g1", MEMBER_ADMIN, &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_ok(group_members_remove(state, "u1", "g1", MEMBER_GOOGLE, &failure));
	assert_code(group_members_remove(state, "u1", "g1", MEMBER_GOOGLE, &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_ok(group_members_remove(state, "u1", "g2", MEMBER_ANY_SOURCE, &failure));
	assert_int_equal(state_number(state, "SELECT count(*) FROM user_group_members"), 0);
}

static void members_are_listed_by_email_and_only_if_they_exist(void **context)
{
	struct state *state = populated(context);
	add(state, "u1", "g1", MEMBER_ADMIN);
	add(state, "u2", "g1", MEMBER_ADMIN);
	add(state, "u3", "g1", MEMBER_ADMIN);
	add(state, "ghost", "g1", MEMBER_ADMIN);
	add(state, "u1", "g2", MEMBER_ADMIN);
	g_autoptr(GPtrArray) members = group_members_of_group(state, "g1", NULL);
	assert_int_equal(members->len, 3);
	assert_string_equal(nth(members, 0, true), "u3");
	assert_string_equal(nth(members, 1, true), "u2");
	assert_string_equal(nth(members, 2, true), "u1");
	g_autoptr(GPtrArray) all = group_members_list(state, NULL);
	assert_int_equal(all->len, 4);
}

static void groups_of_a_user_start_with_the_system_ones(void **context)
{
	struct state *state = populated(context);
	g_autofree char *admins = admin_group(state);
	add(state, "u1", "g1", MEMBER_ADMIN);
	add(state, "u1", admins, MEMBER_ADMIN);
	add(state, "u1", "g3", MEMBER_ADMIN);
	add(state, "u2", "g2", MEMBER_ADMIN);
	g_autoptr(GPtrArray) groups = group_members_of_user(state, "u1", NULL);
	assert_int_equal(groups->len, 3);
	assert_string_equal(nth(groups, 0, false), admins);
	assert_string_equal(nth(groups, 1, false), "g3");
	assert_string_equal(nth(groups, 2, false), "g1");
}

static void the_last_administrator_is_not_removed(void **context)
{
	struct state *state = populated(context);
	g_autofree char *admins = admin_group(state);
	add(state, "u1", admins, MEMBER_ADMIN);
	assert_code(group_members_remove(state, "u1", admins, MEMBER_ADMIN, &failure),
		    AGNES_ERROR_CONFLICT);
	add(state, "u2", admins, MEMBER_ADMIN);
	assert_ok(group_members_remove(state, "u1", admins, MEMBER_ADMIN, &failure));
}

static void google_decides_over_its_own_memberships(void **context)
{
	struct state *state = populated(context);
	char *first[] = {(char *)"g1", (char *)"g2", (char *)"unknown", NULL};
	char *second[] = {(char *)"g2", (char *)"g3", NULL}, *none[] = {NULL};
	add(state, "u1", "g3", MEMBER_ADMIN);
	add(state, "u2", "g1", MEMBER_GOOGLE);
	assert_ok(group_members_set_google(state, "u1", first, &failure));
	int64_t added = state_number(state, "SELECT epoch_us(added_at) FROM user_group_members "
					    "WHERE user_id = 'u1' AND group_id = 'g2' "
					    "AND added_by = 'system:google-sync'");
	assert_ok(group_members_set_google(state, "u1", second, &failure));
	g_autoptr(GPtrArray) groups = group_members_of_user(state, "u1", NULL);
	assert_int_equal(groups->len, 2);
	assert_string_equal(nth(groups, 0, false), "g3");
	assert_string_equal(((struct membership *)groups->pdata[0])->source, "admin");
	assert_string_equal(nth(groups, 1, false), "g2");
	assert_int_equal(((struct membership *)groups->pdata[1])->added_at, added);
	assert_ok(group_members_set_google(state, "u1", none, &failure));
	assert_int_equal(state_number(state, "SELECT count(*) FROM user_group_members"), 2);
}

static void a_refresh_that_fails_leaves_the_old_memberships(void **context)
{
	struct state *state = populated(context);
	char *first[] = {(char *)"g1", NULL}, *second[] = {(char *)"g2", NULL};
	state_run(state, "DROP TABLE user_group_members; CREATE TABLE user_group_members ("
			 "user_id VARCHAR, group_id VARCHAR CHECK (group_id <> 'g2'), "
			 "source VARCHAR, added_at TIMESTAMP, added_by VARCHAR, "
			 "PRIMARY KEY (user_id, group_id))");
	assert_ok(group_members_set_google(state, "u1", first, &failure));
	assert_code(group_members_set_google(state, "u1", second, &failure), AGNES_ERROR_CONFLICT);
	g_autoptr(GPtrArray) groups = group_members_of_user(state, "u1", NULL);
	assert_int_equal(groups->len, 1);
	assert_string_equal(nth(groups, 0, false), "g1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(adding_twice_keeps_the_first_source),
		STATE_TEST(a_group_must_exist),
		STATE_TEST(removal_may_ask_for_a_source),
		STATE_TEST(members_are_listed_by_email_and_only_if_they_exist),
		STATE_TEST(groups_of_a_user_start_with_the_system_ones),
		STATE_TEST(the_last_administrator_is_not_removed),
		STATE_TEST(google_decides_over_its_own_memberships),
		STATE_TEST(a_refresh_that_fails_leaves_the_old_memberships),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
