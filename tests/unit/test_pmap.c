/* src/base/pmap: it is a map, copies do not see each other's changes, and values are freed once. */
#include "base/pmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int alive;

struct item {
	gatomicrefcount references;
	int number;
	char key[16];
};

static gpointer item_ref(gpointer item)
{
	g_atomic_ref_count_inc(&((struct item *)item)->references);
	return item;
}

static void item_unref(gpointer data)
{
	struct item *item = data;
	if (g_atomic_ref_count_dec(&item->references)) {
		alive--;
		g_free(item);
	}
}

static const struct pmap_values items = {item_ref, item_unref};

static void put(struct pmap **map, int key, int number)
{
	struct item *item = g_new0(struct item, 1);
	g_atomic_ref_count_init(&item->references);
	item->number = number;
	g_snprintf(item->key, sizeof item->key, "key-%d", key);
	alive++;
	pmap_set(map, item->key, item);
	item_unref(item);
}

static int number_of(const struct pmap *map, int key)
{
	char text[16];
	g_snprintf(text, sizeof text, "key-%d", key);
	const struct item *item = pmap_get(map, text);
	return item ? item->number : -1;
}

static void remove_key(struct pmap **map, int key)
{
	char text[16];
	g_snprintf(text, sizeof text, "key-%d", key);
	pmap_remove(map, text);
}

static void it_holds_what_was_put(void **state)
{
	struct pmap *map = pmap_new(&items);
	for (int i = 0; i < 10000; i++)
		put(&map, i, i * 7);
	assert_int_equal(pmap_size(map), 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(number_of(map, i), i * 7);
	assert_int_equal(number_of(map, 10000), -1);
	put(&map, 5, 1);
	assert_int_equal(pmap_size(map), 10000);
	assert_int_equal(number_of(map, 5), 1);
	for (int i = 0; i < 10000; i += 2)
		remove_key(&map, i);
	remove_key(&map, 20000);
	assert_int_equal(pmap_size(map), 5000);
	assert_int_equal(number_of(map, 4), -1);
	assert_int_equal(number_of(map, 7), 49);
	pmap_free(map);
	assert_int_equal(alive, 0);
}

static void copies_are_independent(void **state)
{
	struct pmap *old = pmap_new(&items);
	for (int i = 0; i < 1000; i++)
		put(&old, i, i);
	struct pmap *new = pmap_ref(old);
	put(&new, 1, 100);
	put(&new, 1000, 1000);
	remove_key(&new, 2);
	assert_int_equal(number_of(old, 1), 1);
	assert_int_equal(number_of(old, 2), 2);
	assert_int_equal(number_of(old, 1000), -1);
	assert_int_equal(pmap_size(old), 1000);
	assert_int_equal(number_of(new, 1), 100);
	assert_int_equal(number_of(new, 2), -1);
	assert_int_equal(number_of(new, 1000), 1000);
	assert_int_equal(pmap_size(new), 1000);
	pmap_free(old);
	assert_int_equal(number_of(new, 999), 999);
	pmap_free(new);
	assert_int_equal(alive, 0);
}

static void iteration_visits_each_entry_once(void **state)
{
	struct pmap *map = pmap_new(&items);
	int sum = 0, count = 0;
	for (int i = 0; i < 500; i++)
		put(&map, i, i);
	struct pmap_iter iter;
	pmap_iter_init(&iter, map);
	for (const struct item *item; (item = pmap_iter_next(&iter)); count++)
		sum += item->number;
	assert_int_equal(count, 500);
	assert_int_equal(sum, 499 * 500 / 2);
	pmap_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_what_was_put),
		cmocka_unit_test(copies_are_independent),
		cmocka_unit_test(iteration_visits_each_entry_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
