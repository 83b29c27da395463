/* The manifest of a server that nobody knows: whatever comes is refused, or has the right form. */
#include "cli/sync/plan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const struct offered_table *table)
{
	g_assert_nonnull(table->hash);
	g_assert_cmpint(table->rows, >=, 0);
	g_assert_cmpint(table->size_bytes, >=, 0);
	g_autofree char *shown = sync_name_to_show(table->name);
	g_assert_true(g_utf8_validate(shown, -1, NULL));
	if (table->is_safe)
		g_assert_true(!strchr(table->name, '/') && table->name[0] != '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(sync_manifest) manifest = sync_manifest_parse((const char *)data, size, &error);
	g_assert_true(!manifest == (error != NULL));
	if (!manifest)
		return 0;
	for (guint i = 0; i < manifest->tables->len; i++)
		check_table(manifest->tables->pdata[i]);
	g_autoptr(sync_state) state = sync_state_new();
	const struct sync_question question = {.manifest = manifest, .state = state, .folder = -1};
	g_autoptr(sync_plan) plan = sync_plan_make(&question);
	g_assert_cmpuint(plan->steps->len, ==, manifest->tables->len);
	return 0;
}
