/* src/state/view_ownership: claims, release, reconciliation, letters' case. */
#include "state_fixture.h"

#include "duck/query.h"
#include "state/view_ownership.h"

static void assert_claimed(struct state *state, const char *source, const char *names,
			   const char *expected)
{
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) wanted = g_strsplit(names, " ", 0);
	g_auto(GStrv) owned = view_ownership_claim(state, source, wanted, &error);
	if (!owned)
		fail_msg("%s", error->message);
	g_autofree char *joined = g_strjoinv(" ", owned);
	assert_string_equal(joined, expected);
}

static void the_first_owner_stays(void **context)
{
	struct state *state = state_of(context);
	assert_claimed(state, "shop", "orders customers", "orders customers");
	assert_claimed(state, "crm", "customers leads", "leads");
	assert_claimed(state, "shop", "customers orders new", "customers orders new");
	assert_int_equal(state_number(state, "SELECT count(*) FROM view_ownership"), 4);
}

static void letters_case_makes_no_other_name(void **context)
{
	struct state *state = state_of(context);
	assert_claimed(state, "shop", "Orders", "Orders");
	assert_claimed(state, "crm", "orders", "");
	assert_claimed(state, "shop", "ORDERS", "ORDERS");
	assert_claimed(state, "crm", "Leads leads", "Leads");
	assert_int_equal(state_number(state, "SELECT count(*) FROM view_ownership"), 2);
}

static void only_the_owner_releases(void **context)
{
	struct state *state = state_of(context);
	assert_claimed(state, "shop", "orders", "orders");
	assert_code(view_ownership_release(state, "orders", "crm", &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_ok(view_ownership_release(state, "Orders", "shop", &failure));
	assert_code(view_ownership_release(state, "orders", "shop", &failure),
		    AGNES_ERROR_NOT_FOUND);
	assert_claimed(state, "crm", "orders", "orders");
}

static void what_is_not_published_becomes_free(void **context)
{
	struct state *state = state_of(context);
	struct view_owner live[] = {{"ORDERS", "shop", 0}, {"leads", "shop", 0}, {"x", "y", 0}};
	g_autoptr(GPtrArray) pairs = g_ptr_array_new();
	assert_claimed(state, "shop", "orders customers", "orders customers");
	assert_claimed(state, "crm", "leads", "leads");
	for (size_t i = 0; i < G_N_ELEMENTS(live); i++)
		g_ptr_array_add(pairs, &live[i]);
	g_autoptr(GPtrArray) freed = view_ownership_reconcile(state, pairs, NULL);
	assert_ids(freed, "customers,leads");
	assert_string_equal(((struct view_owner *)freed->pdata[1])->source_name, "crm");
	g_autoptr(GPtrArray) kept = view_ownership_list(state, NULL, NULL);
	assert_ids(kept, "orders");
	g_autoptr(GPtrArray) again = view_ownership_reconcile(state, pairs, NULL);
	assert_int_equal(again->len, 0);
	g_ptr_array_set_size(pairs, 0);
	g_autoptr(GPtrArray) all = view_ownership_reconcile(state, pairs, NULL);
	assert_ids(all, "orders");
}

static void lists_are_ordered_by_name(void **context)
{
	struct state *state = state_of(context);
	assert_claimed(state, "shop", "b a", "b a");
	assert_claimed(state, "crm", "c", "c");
	g_autoptr(GPtrArray) shop = view_ownership_list(state, "shop", NULL);
	g_autoptr(GPtrArray) all = view_ownership_list(state, NULL, NULL);
	assert_ids(shop, "a,b");
	assert_ids(all, "a,b,c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(the_first_owner_stays),
		STATE_TEST(letters_case_makes_no_other_name),
		STATE_TEST(only_the_owner_releases),
		STATE_TEST(what_is_not_published_becomes_free),
		STATE_TEST(lists_are_ordered_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
