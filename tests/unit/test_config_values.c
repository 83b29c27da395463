/* src/config: the table of keys is sound, and every type takes and refuses what it should. */
#include "base/nearest.h"
#include "config/keys.h"
#include "config/value.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* `given` and `expected` are JSON; "" expects nothing. */
static void assert_converts(const struct config_key *key, const char *given, const char *expected,
			    const char *problem)
{
	g_autofree char *found = NULL;
	g_autoptr(json_t) input = json_parse(given, strlen(given), "given", NULL);
	g_autoptr(json_t) value = config_value_convert(key, input, &found);
	g_autofree char *text = value ? json_to_text(value) : g_strdup("");
	assert_string_equal(text, expected);
	assert_string_equal(found ? found : "", problem);
}

struct conversion {
	const char *given, *expected, *problem;
};

static void assert_all(const struct config_key *key, const struct conversion *conversions,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_converts(key, conversions[i].given, conversions[i].expected,
				conversions[i].problem);
}

static void texts_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_TEXT};
	const char *quote = "is not text: write it in quotes to keep it as it is typed";
	const struct conversion conversions[] = {
		{"null", "", ""},	    {"\"\"", "\"\"", ""},	{"\" a \"", "\" a \"", ""},
		{"12", "\"12\"", quote},    {"0.1", "\"0.1\"", quote},	{"true", "\"true\"", quote},
		{"[]", "", "must be text"}, {"{}", "", "must be text"},
	};
	assert_all(&key, conversions, G_N_ELEMENTS(conversions));
}

static void integers_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_INT, .least = 1, .most = 100};
	const struct config_key open = {"k", CONFIG_INT, .least = 5};
	const char *range = "must be between 1 and 100";
	const char *whole = "must be a whole number";
	const struct conversion conversions[] = {
		{"null", "", ""},
		{"\"\"", "", ""},
		{"1", "1", ""},
		{"100", "100", ""},
		{"0", "", range},
		{"101", "", range},
		{"\" 007 \"", "7", ""},
		{"\"+8\"", "8", ""},
		{"\"-8\"", "", range},
		{"5.0", "", whole},
		{"\"5.5\"", "", whole},
		{"\"x\"", "", whole},
		{"true", "", whole},
		{"[1]", "", whole},
		{"\"99999999999999999999\"", "", whole},
	};
	assert_all(&key, conversions, G_N_ELEMENTS(conversions));
	assert_converts(&open, "4", "", "must be at least 5");
	assert_converts(&open, "9223372036854775807", "9223372036854775807", "");
}

static void numbers_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_DOUBLE, .most = 1};
	const struct conversion conversions[] = {
		{"0", "0.0", ""},
		{"0.5", "0.5", ""},
		{"\"2.5e-1\"", "0.25", ""},
		{"1.5", "", "must be between 0 and 1"},
		{"-0.5", "", "must be between 0 and 1"},
		{"\"nan\"", "", "must be a number"},
		{"\"inf\"", "", "must be a number"},
		{"\"1x\"", "", "must be a number"},
		{"\" \"", "", "must be a number"},
		{"false", "", "must be a number"},
	};
	assert_all(&key, conversions, G_N_ELEMENTS(conversions));
}

static void booleans_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_BOOL};
	const char *wrong = "must be true or false";
	const struct conversion conversions[] = {
		{"true", "true", ""},	  {"\"Yes\"", "true", ""},  {"\" ON \"", "true", ""},
		{"1", "true", ""},	  {"\"true\"", "true", ""}, {"false", "false", ""},
		{"\"no\"", "false", ""},  {"\"Off\"", "false", ""}, {"0", "false", ""},
		{"\"\"", "", ""},	  {"2", "", wrong},	    {"\"y\"", "", wrong},
		{"\"maybe\"", "", wrong}, {"[]", "", wrong},
	};
	assert_all(&key, conversions, G_N_ELEMENTS(conversions));
}

static void sizes_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_SIZE, .least = 10};
	const char *wrong = "must be a size such as 512MB or 2GiB";
	const struct conversion conversions[] = {
		{"1000", "1000", ""},
		{"\"1000\"", "1000", ""},
		{"\"100b\"", "100", ""},
		{"\"2KB\"", "2000", ""},
		{"\"512 MB\"", "512000000", ""},
		{"\"1.5GiB\"", "1610612736", ""},
		{"\"1tib\"", "1099511627776", ""},
		{"\"9\"", "", "must be at least 10"},
		{"\"2M\"", "", wrong},
		{"\"MB\"", "", wrong},
		{"\"-5MB\"", "", wrong},
		{"\"1.2.3MB\"", "", wrong},
		{"\"1 XB\"", "", wrong},
		{"\"99999999999999999999GB\"", "", wrong},
		{"-5", "", wrong},
		{"1.5", "", wrong},
		{"[]", "", wrong},
	};
	assert_all(&key, conversions, G_N_ELEMENTS(conversions));
}

static void choices_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_CHOICE, .choices = "one|Two"};
	assert_converts(&key, "\"one\"", "\"one\"", "");
	assert_converts(&key, "\"TWO\"", "\"Two\"", "");
	assert_converts(&key, "\"\"", "", "");
	assert_converts(&key, "\"one|Two\"", "", "must be one of one, Two");
	assert_converts(&key, "1", "", "must be one of one, Two");
}

static void lists_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_LIST};
	assert_converts(&key, "\" a , ,b\"", "[\"a\",\"b\"]", "");
	assert_converts(&key, "[\"a, b\", 5, true]", "[\"a, b\",\"5\",\"true\"]", "");
	assert_converts(&key, "[]", "[]", "");
	assert_converts(&key, "7", "[\"7\"]", "");
	assert_converts(&key, "{}", "", "must be a list");
	assert_converts(&key, "[[]]", "", "must be a list of texts");
	assert_converts(&key, "[null]", "", "must be a list of texts");
}

static void trees_are_converted(void **state)
{
	const struct config_key key = {"k", CONFIG_TREE};
	assert_converts(&key, "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}", "");
	assert_converts(&key, "\"\"", "", "");
	assert_converts(&key, "[]", "", "must be a map");
	assert_converts(&key, "\"a\"", "", "must be a map");
}

/* config_value_default() ends the program if a default is not of its own key's type. */
static void every_default_is_of_its_type(void **state)
{
	for (size_t i = 0; i < config_key_count; i++) {
		g_autoptr(json_t) value = config_value_default(&config_keys[i]);
		assert_non_null(value);
	}
}

static char *section_of(const char *name)
{
	const char *dot = strrchr(name, '.');
	return g_strndup(name, dot ? (gsize)(dot - name) : 0);
}

static void table_is_sound(void **state)
{
	g_autoptr(GHashTable) labels = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) closed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *open = g_strdup("");
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		assert_true(g_hash_table_add(labels, (char *)config_key_label(key)));
		assert_true(*key->meaning && !g_str_has_suffix(key->meaning, "."));
		assert_int_equal(key->type == CONFIG_CHOICE, key->choices != NULL);
		assert_true(!key->secret || !key->fallback);
		if (!key->name)
			continue;
		g_autofree char *section = section_of(key->name);
		assert_false(g_hash_table_contains(closed, section));
		if (strcmp(section, open) != 0) {
			if (*open)
				g_hash_table_add(closed, g_steal_pointer(&open));
			g_free(open);
			open = g_steal_pointer(&section);
		}
	}
}

static void nothing_is_declared_twice(void **state)
{
	for (size_t i = 0; i < config_accepted_count; i++) {
		const struct config_key *key = NULL;
		assert_int_equal(config_classify(config_accepted[i], &key), CONFIG_ACCEPTED);
	}
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = NULL;
		if (!config_keys[i].name)
			continue;
		assert_int_equal(config_classify(config_keys[i].name, &key), CONFIG_KEY);
		assert_ptr_equal(key, &config_keys[i]);
	}
}

static void paths_are_classified(void **state)
{
	const struct config_key *key = NULL;
	assert_int_equal(config_classify("state", &key), CONFIG_SECTION);
	assert_int_equal(config_classify("data_source.bigquery", &key), CONFIG_SECTION);
	assert_int_equal(config_classify("corporate_memory.sources.x.y", &key), CONFIG_ACCEPTED);
	assert_int_equal(config_classify("stat", &key), CONFIG_UNKNOWN);
	assert_int_equal(config_classify("state.backup_countx", &key), CONFIG_UNKNOWN);
	assert_int_equal(config_classify("DATA_DIR", &key), CONFIG_UNKNOWN);
	assert_null(key);
}

static void secret_names_are_known(void **state)
{
	assert_true(config_is_secret_name("API_TOKEN"));
	assert_true(config_is_secret_name("smtp_password"));
	assert_true(config_is_secret_name("webapp_secret_key"));
	assert_true(config_is_secret_name("Api_Key"));
	assert_false(config_is_secret_name("name"));
}

static void nearest_words_are_found(void **state)
{
	static const char *const words[] = {"status", "start", "sync", "x"};
	assert_string_equal(nearest_word("statsu", words, 4), "status");
	assert_string_equal(nearest_word("SYNC", words, 4), "sync");
	assert_string_equal(nearest_word("snc", words, 4), "sync");
	assert_string_equal(nearest_word("y", words, 4), "x");
	assert_null(nearest_word("catalog", words, 4));
	assert_null(nearest_word("sxxc", words, 4));
	assert_null(nearest_word("status", words, 0));
	g_autofree char *endless = g_strnfill(1000000, 's');
	assert_null(nearest_word(endless, words, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_converted),
		cmocka_unit_test(integers_are_converted),
		cmocka_unit_test(numbers_are_converted),
		cmocka_unit_test(booleans_are_converted),
		cmocka_unit_test(sizes_are_converted),
		cmocka_unit_test(choices_are_converted),
		cmocka_unit_test(lists_are_converted),
		cmocka_unit_test(trees_are_converted),
		cmocka_unit_test(every_default_is_of_its_type),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(nothing_is_declared_twice),
		cmocka_unit_test(paths_are_classified),
		cmocka_unit_test(secret_names_are_known),
		cmocka_unit_test(nearest_words_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
