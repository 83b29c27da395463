/* src/state/directory: pictures do not change, reloads change what was written and nothing else. */
#include "state_fixture.h"

#include "state/directory.h"
#include "state/group_members.h"
#include "state/session_epochs.h"

#include <string.h>

/* A directory on a state with a user "ann" in a group "analysts", and the tables orders and Items.
 */
struct world {
	struct state *state;
	struct directory_store *store;
	struct user *ann;
	struct group *analysts;
};

static void register_table(struct state *state, const char *id, const char *name)
{
	struct registered_table table;
	record_init(&registered_table_type, &table);
	table.id = id;
	table.name = name;
	assert_true(registry_register(state, &table, NULL));
}

static struct world make_world(void **context)
{
	struct world world = {.state = state_of(context)};
	struct user values;
	record_init(&user_type, &values);
	values.email = "ann@example.com";
	world.ann = users_create(world.state, &values, NULL);
	world.analysts = groups_create(world.state, "analysts", NULL, "test", NULL);
	assert_true(group_members_add(world.state, world.ann->id, world.analysts->id, MEMBER_ADMIN,
				      "test", NULL, NULL));
	register_table(world.state, "in_c-crm_orders", "orders");
	register_table(world.state, "items", "Items");
	world.store = directory_store_new(world.state, NULL);
	assert_non_null(world.store);
	return world;
}

static void end_world(struct world *world)
{
	directory_store_free(world->store);
	record_free(world->ann);
	record_free(world->analysts);
}

static bool may_read(struct world *world, const char *table)
{
	g_autoptr(directory_view) view = directory_store_get(world->store);
	const struct directory_user *user = directory_user(view, world->ann->id);
	return directory_may_read(view, user, directory_table(view, table));
}

static void tables_are_found_by_id_and_by_name_in_any_case(void **context)
{
	struct world world = make_world(context);
	g_autoptr(directory_view) view = directory_store_get(world.store);
	assert_int_equal(view->table_count, 2);
	assert_string_equal(view->tables[0]->name, "Items");
	assert_ptr_equal(directory_table(view, "orders"), directory_table(view, "in_c-crm_orders"));
	assert_ptr_equal(directory_table(view, "ITEMS"), directory_table(view, "items"));
	assert_null(directory_table(view, "nothing"));
	/* Where one table's id is another's name, files and views go by the name. */
	register_table(world.state, "Items", "third");
	assert_true(directory_reload_tables(world.store, NULL));
	g_autoptr(directory_view) both = directory_store_get(world.store);
	assert_string_equal(directory_table(both, "Items")->name, "third");
	assert_string_equal(directory_table_named(both, "Items")->name, "Items");
	assert_string_equal(directory_table_named(both, "in_c-crm_orders")->name, "orders");
	end_world(&world);
}

static void a_grant_counts_from_its_reload_and_old_pictures_stay(void **context)
{
	struct world world = make_world(context);
	g_autoptr(directory_view) before = directory_store_get(world.store);
	assert_false(may_read(&world, "orders"));
	g_autoptr(grant_record) grant = grants_create(world.state, world.analysts->id, GRANTS_TABLE,
						      "in_c-crm_orders", "test", NULL);
	assert_true(directory_reload_grant(world.store, grant, NULL));
	assert_true(may_read(&world, "orders"));
	assert_true(may_read(&world, "in_c-crm_orders"));
	assert_false(may_read(&world, "items"));
	assert_false(directory_may_read(before, directory_user(before, world.ann->id),
					directory_table(before, "orders")));
	g_autoptr(directory_view) after = directory_store_get(world.store);
	assert_true(after->access_version > before->access_version);
	assert_int_equal(after->tables_version, before->tables_version);
	record_free(grants_delete(world.state, grant->id, NULL));
	assert_true(directory_reload_grant(world.store, grant, NULL));
	assert_false(may_read(&world, "orders"));
	end_world(&world);
}

static void a_late_reload_of_a_grant_harms_no_other(void **context)
{
	struct world world = make_world(context);
	g_autoptr(grant_record) first = grants_create(world.state, world.analysts->id, GRANTS_TABLE,
						      "items", "test", NULL);
	record_free(grants_delete(world.state, first->id, NULL));
	assert_true(directory_reload_grant(world.store, first, NULL));
	assert_false(may_read(&world, "items"));
	g_autoptr(grant_record) second = grants_create(world.state, world.analysts->id,
						       GRANTS_TABLE, "items", "test", NULL);
	assert_true(directory_reload_grant(world.store, second, NULL));
	assert_true(directory_reload_grant(world.store, first, NULL));
	assert_true(may_read(&world, "items"));
	end_world(&world);
}

enum { GROUPS = 3, RESOURCES = 60, CHANGES = 400, LATE = 8 };

/* Grants that come and go, and their reloads, which come later and in any order. */
struct changes {
	struct world *world;
	GRand *random;
	struct group *groups[GROUPS];
	struct grant *present[GROUPS][RESOURCES]; /* or NULL */
	GPtrArray *late;
};

static void change_a_grant(struct changes *changes)
{
	int g = g_rand_int_range(changes->random, 0, GROUPS);
	int r = g_rand_int_range(changes->random, 0, RESOURCES);
	struct state *state = changes->world->state;
	struct grant **grant = &changes->present[g][r];
	if (*grant) {
		record_free(grants_delete(state, (*grant)->id, NULL));
		g_ptr_array_add(changes->late, g_steal_pointer(grant));
		return;
	}
	g_autofree char *resource = g_strdup_printf("resource %d", r);
	*grant = grants_create(state, changes->groups[g]->id, GRANTS_TABLE, resource, "x", NULL);
	g_autoptr(grant_record) found = grants_find(state, (*grant)->id, NULL);
	g_ptr_array_add(changes->late, g_steal_pointer(&found));
}

static void reload_down_to(struct changes *changes, guint most)
{
	while (changes->late->len > most) {
		guint at = (guint)g_rand_int_range(changes->random, 0, (gint)changes->late->len);
		g_autoptr(grant_record) grant = g_ptr_array_steal_index_fast(changes->late, at);
		assert_true(directory_reload_grant(changes->world->store, grant, NULL));
	}
}

static void assert_like_a_rebuilt_one(struct changes *changes)
{
	g_autoptr(directory_store) rebuilt = directory_store_new(changes->world->state, NULL);
	g_autoptr(directory_view) fresh = directory_store_get(rebuilt);
	g_autoptr(directory_view) view = directory_store_get(changes->world->store);
	for (int g = 0; g < GROUPS; g++) {
		const char *id = changes->groups[g]->id;
		const struct directory_group *group = directory_group(view, id);
		assert_int_equal(pmap_size(group->grants),
				 pmap_size(directory_group(fresh, id)->grants));
		for (int r = 0; r < RESOURCES; r++) {
			g_autofree char *resource = g_strdup_printf("resource %d", r);
			bool granted = directory_granted(group, GRANTS_TABLE, resource);
			assert_int_equal(granted, changes->present[g][r] != NULL);
			assert_int_equal(granted, directory_granted(directory_group(fresh, id),
								    GRANTS_TABLE, resource));
		}
	}
}

static void many_changes_of_grants_come_to_what_a_rebuilt_one_has(void **context)
{
	struct world world = make_world(context);
	g_autoptr(GRand) random = g_rand_new_with_seed(20);
	g_autoptr(GPtrArray) late = g_ptr_array_new();
	struct changes changes = {.world = &world, .random = random, .late = late};
	for (int g = 0; g < GROUPS; g++) {
		g_autofree char *name = g_strdup_printf("group %d", g);
		changes.groups[g] = groups_create(world.state, name, NULL, "test", NULL);
		assert_true(directory_reload_group(world.store, changes.groups[g]->id, NULL));
	}
	for (int i = 1; i <= CHANGES; i++) {
		change_a_grant(&changes);
		reload_down_to(&changes, i % (CHANGES / 4) == 0 ? 0 : LATE);
		if (late->len == 0)
			assert_like_a_rebuilt_one(&changes);
	}
	for (int g = 0; g < GROUPS; g++) {
		record_free(changes.groups[g]);
		for (int r = 0; r < RESOURCES; r++)
			record_free(changes.present[g][r]);
	}
	end_world(&world);
}

static void a_user_changes_leaves_and_ends_sessions(void **context)
{
	struct world world = make_world(context);
	struct user values;
	record_init(&user_type, &values);
	values.id = world.ann->id;
	values.email = "anna@example.com";
	values.password_hash = "$argon2id$x";
	assert_true(users_update(world.state, &values,
				 (const char *[]){"email", "password_hash", NULL}, NULL));
	assert_true(session_epochs_end(world.state, world.ann->id, NULL));
	assert_true(directory_reload_user(world.store, world.ann->id, NULL));
	g_autoptr(directory_view) changed = directory_store_get(world.store);
	assert_null(directory_user_by_email(changed, "ann@example.com"));
	const struct directory_user *user = directory_user_by_email(changed, "anna@example.com");
	assert_true(user->sessions_from > 0);
	assert_string_equal(user->group_ids[0], world.analysts->id);
	assert_true(changed->has_password);
	assert_true(users_delete(world.state, world.ann->id, NULL));
	assert_true(directory_reload_user(world.store, world.ann->id, NULL));
	g_autoptr(directory_view) gone = directory_store_get(world.store);
	assert_null(directory_user(gone, world.ann->id));
	assert_null(directory_user_by_email(gone, "anna@example.com"));
	assert_false(gone->has_password);
	end_world(&world);
}

static void members_of_admin_are_administrators(void **context)
{
	struct world world = make_world(context);
	g_autoptr(group_record) admin = groups_find_by_name(world.state, GROUPS_ADMIN, NULL);
	assert_false(may_read(&world, "items"));
	assert_true(group_members_add(world.state, world.ann->id, admin->id, MEMBER_ADMIN, "test",
				      NULL, NULL));
	assert_true(directory_reload_user(world.store, world.ann->id, NULL));
	assert_true(may_read(&world, "items"));
	end_world(&world);
}

static void a_deleted_group_takes_its_grants_along(void **context)
{
	struct world world = make_world(context);
	record_free(grants_create(world.state, world.analysts->id, GRANTS_TABLE, "items", "test",
				  NULL));
	assert_true(directory_reload_group(world.store, world.analysts->id, NULL));
	assert_true(may_read(&world, "items"));
	assert_true(groups_delete(world.state, world.analysts->id, NULL));
	assert_true(directory_reload_group(world.store, world.analysts->id, NULL));
	g_autoptr(directory_view) view = directory_store_get(world.store);
	assert_null(directory_group(view, world.analysts->id));
	assert_null(directory_user(view, world.ann->id)->group_ids[0]);
	assert_false(may_read(&world, "items"));
	end_world(&world);
}

static void synced_tables_need_no_registration(void **context)
{
	struct world world = make_world(context);
	g_autoptr(GArray) results = g_array_new(FALSE, TRUE, sizeof(struct sync_result));
	struct sync_result result;
	sync_result_init(&result, "orders");
	result.state.rows = 7;
	g_array_append_val(results, result);
	sync_result_init(&result, "wild");
	g_array_append_val(results, result);
	/* The id of the table Items: who asks for it by its id gets what is registered. */
	sync_result_init(&result, "items");
	g_array_append_val(results, result);
	assert_true(sync_state_save(world.state, results, NULL));
	assert_true(directory_reload_tables(world.store, NULL));
	g_autoptr(directory_view) view = directory_store_get(world.store);
	assert_int_equal(view->table_count, 4);
	assert_int_equal(directory_table(view, "orders")->synced->rows, 7);
	assert_null(directory_table(view, "wild")->registered);
	assert_string_equal(directory_table(view, "wild")->id, "wild");
	assert_string_equal(directory_table(view, "items")->name, "Items");
	assert_null(directory_table(view, "items")->synced);
	end_world(&world);
}

static void a_failed_reload_is_made_up_for(void **context)
{
	struct world world = make_world(context);
	g_autoptr(GError) error = NULL;
	struct user values;
	record_init(&user_type, &values);
	values.id = world.ann->id;
	values.active = RECORD_FALSE;
	assert_true(users_update(world.state, &values, (const char *[]){"active", NULL}, NULL));
	state_run(world.state, "ALTER TABLE users RENAME TO away");
	assert_false(directory_reload_user(world.store, world.ann->id, NULL));
	assert_false(directory_mend(world.store, &error));
	assert_non_null(error);
	state_run(world.state, "ALTER TABLE away RENAME TO users");
	assert_true(directory_mend(world.store, NULL));
	g_autoptr(directory_view) view = directory_store_get(world.store);
	assert_int_equal(directory_user(view, world.ann->id)->row->active, RECORD_FALSE);
	/* Nothing is read while nothing is amiss. */
	assert_true(directory_mend(world.store, NULL));
	g_autoptr(directory_view) same = directory_store_get(world.store);
	assert_ptr_equal(view, same);
	end_world(&world);
}

static gpointer read_on(gpointer data)
{
	struct world *world = data;
	for (int i = 0; i < 20000; i++) {
		g_autoptr(directory_view) view = directory_store_get(world->store);
		const struct directory_user *user = directory_user(view, world->ann->id);
		/* Never half: the user is always whole in whatever picture there is. */
		assert_string_equal(user->group_ids[0], world->analysts->id);
		assert_non_null(directory_table(view, "orders"));
	}
	return NULL;
}

static void readers_go_on_while_it_changes(void **context)
{
	struct world world = make_world(context);
	GThread *readers[2];
	for (int i = 0; i < 2; i++)
		readers[i] = g_thread_new("reader", read_on, &world);
	for (int i = 0; i < 50; i++) {
		assert_true(directory_reload_user(world.store, world.ann->id, NULL));
		assert_true(directory_reload_tables(world.store, NULL));
		assert_true(directory_reload_all(world.store, NULL));
	}
	for (int i = 0; i < 2; i++)
		g_thread_join(readers[i]);
	end_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(tables_are_found_by_id_and_by_name_in_any_case),
		STATE_TEST(a_grant_counts_from_its_reload_and_old_pictures_stay),
		STATE_TEST(a_late_reload_of_a_grant_harms_no_other),
		STATE_TEST(many_changes_of_grants_come_to_what_a_rebuilt_one_has),
		STATE_TEST(a_user_changes_leaves_and_ends_sessions),
		STATE_TEST(members_of_admin_are_administrators),
		STATE_TEST(a_deleted_group_takes_its_grants_along),
		STATE_TEST(synced_tables_need_no_registration),
		STATE_TEST(a_failed_reload_is_made_up_for),
		STATE_TEST(readers_go_on_while_it_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
