/* src/state/grants: creation, order, filters, deletion. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/grants.h"

static struct state *populated(void **context)
{
	struct state *state = state_of(context);
	state_run(state,
		  "INSERT INTO user_groups (id, name) VALUES ('g1', 'zeta'), ('g2', 'beta')");
	return state;
}

static char *grant(struct state *state, const char *group, const char *type, const char *resource)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(grant_record) made = grants_create(state, group, type, resource, "x", &error);
	if (!made)
		fail_msg("%s", error->message);
	return made ? g_strdup(made->id) : NULL;
}

static void grant_quietly(struct state *state, const char *group, const char *type,
			  const char *resource)
{
	g_autofree char *id = grant(state, group, type, resource);
	assert_true(g_uuid_string_is_valid(id));
}

static void assert_listed(GPtrArray *grants, guint i, const char *group, const char *resource)
{
	const struct grant *found = grants->pdata[i];
	assert_string_equal(found->group_name, group);
	assert_string_equal(found->resource_id, resource);
}

static void assert_same(const struct grant *made, const struct grant *found)
{
	assert_string_equal(found->id, made->id);
	assert_string_equal(found->group_id, "g1");
	assert_string_equal(found->resource_type, "table");
	assert_string_equal(found->resource_id, "Orders 'x'");
	assert_string_equal(found->assigned_by, "x");
	assert_true(made->assigned_at != DUCK_NO_TIME);
	assert_int_equal(found->assigned_at, made->assigned_at);
}

static void a_grant_knows_its_group(void **context)
{
	struct state *state = populated(context);
	g_autoptr(grant_record)
		made = grants_create(state, "g1", GRANTS_TABLE, "Orders 'x'", "x", NULL);
	g_autoptr(GPtrArray) list = grants_list(state, NULL, NULL, NULL);
	assert_int_equal(list->len, 1);
	assert_string_equal(((struct grant *)list->pdata[0])->group_name, "zeta");
	assert_same(made, list->pdata[0]);
	g_autoptr(grant_record) found = grants_find(state, made->id, NULL);
	assert_same(made, found);
}

static void grants_are_ordered_by_group_type_and_resource(void **context)
{
	struct state *state = populated(context);
	grant_quietly(state, "g1", "table", "b");
	grant_quietly(state, "g1", "table", "a");
	grant_quietly(state, "g1", "memory_domain", "z");
	grant_quietly(state, "g2", "table", "c");
	g_autoptr(GPtrArray) all = grants_list(state, NULL, NULL, NULL);
	assert_int_equal(all->len, 4);
	assert_listed(all, 0, "beta", "c");
	assert_listed(all, 1, "zeta", "z");
	assert_listed(all, 2, "zeta", "a");
	assert_listed(all, 3, "zeta", "b");
}

static void lists_are_filtered_by_type_and_group(void **context)
{
	struct state *state = populated(context);
	grant_quietly(state, "g1", "table", "a");
	grant_quietly(state, "g1", "memory_domain", "a");
	grant_quietly(state, "g2", "table", "a");
	g_autoptr(GPtrArray) tables = grants_list(state, "table", NULL, NULL);
	g_autoptr(GPtrArray) of_group = grants_list(state, NULL, "g1", NULL);
	g_autoptr(GPtrArray) both = grants_list(state, "table", "g1", NULL);
	g_autoptr(GPtrArray) none = grants_list(state, "table", "g3", NULL);
	assert_int_equal(tables->len, 2);
	assert_int_equal(of_group->len, 2);
	assert_int_equal(both->len, 1);
	assert_int_equal(none->len, 0);
}

static void a_user_has_the_grants_of_the_own_groups(void **context)
{
	struct state *state = populated(context);
	state_run(state, "INSERT INTO user_groups (id, name) VALUES ('g3', 'other')");
	state_run(state, "INSERT INTO user_group_members (user_id, group_id, source) "
			 "VALUES ('u', 'g1', 'admin'), ('u', 'g2', 'admin'), ('v', 'g3', 'admin')");
	grant_quietly(state, "g1", "table", "b");
	grant_quietly(state, "g1", "table", "a");
	grant_quietly(state, "g2", "table", "b");
	grant_quietly(state, "g3", "table", "c");
	grant_quietly(state, "g2", "memory_domain", "z");
	g_autoptr(GPtrArray) of_u = grants_list_of_user(state, "u", NULL);
	assert_int_equal(of_u->len, 4);
	assert_listed(of_u, 0, "beta", "z");
	assert_listed(of_u, 1, "zeta", "a");
	assert_listed(of_u, 2, "beta", "b");
	assert_listed(of_u, 3, "zeta", "b");
	g_autoptr(GPtrArray) of_nobody = grants_list_of_user(state, "w", NULL);
	assert_int_equal(of_nobody->len, 0);
}

static void a_grant_is_given_once_and_to_a_group_that_exists(void **context)
{
	struct state *state = populated(context);
	grant_quietly(state, "g1", "table", "a");
	assert_code(grants_create(state, "g1", "table", "a", NULL, &failure), AGNES_ERROR_CONFLICT);
	assert_code(grants_create(state, "g3", "table", "a", NULL, &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_int_equal(state_number(state, "SELECT count(*) FROM resource_grants"), 1);
}

static void a_grant_is_deleted_once_and_can_be_given_again(void **context)
{
	struct state *state = populated(context);
	g_autofree char *id = grant(state, "g1", "table", "a");
	g_autoptr(grant_record) gone = grants_delete(state, id, NULL);
	assert_string_equal(gone->id, id);
	assert_string_equal(gone->group_id, "g1");
	assert_string_equal(gone->resource_id, "a");
	assert_code(grants_delete(state, id, &failure), AGNES_ERROR_NOT_FOUND);
	assert_code(grants_find(state, id, &failure), AGNES_ERROR_NOT_FOUND);
	grant_quietly(state, "g1", "table", "a");
}

static void every_grant_of_a_resource_goes_at_once(void **context)
{
	struct state *state = populated(context);
	grant_quietly(state, "g1", "table", "a");
	grant_quietly(state, "g2", "table", "a");
	grant_quietly(state, "g2", "table", "b");
	grant_quietly(state, "g2", "memory_domain", "a");
	assert_int_equal(grants_delete_resource(state, "table", "a", NULL), 2);
	assert_int_equal(grants_delete_resource(state, "table", "a", NULL), 0);
	assert_int_equal(state_number(state, "SELECT count(*) FROM resource_grants"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(a_grant_knows_its_group),
		STATE_TEST(grants_are_ordered_by_group_type_and_resource),
		STATE_TEST(lists_are_filtered_by_type_and_group),
		STATE_TEST(a_user_has_the_grants_of_the_own_groups),
		STATE_TEST(a_grant_is_given_once_and_to_a_group_that_exists),
		STATE_TEST(a_grant_is_deleted_once_and_can_be_given_again),
		STATE_TEST(every_grant_of_a_resource_goes_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
