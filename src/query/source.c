/* Counted sources. */
#include "query/source.h"

struct query_source *query_source_new(void)
{
	return g_atomic_rc_box_new0(struct query_source);
}

struct query_source *query_source_ref(struct query_source *source)
{
	return g_atomic_rc_box_acquire(source);
}

static void clear(void *data)
{
	struct query_source *source = data;
	g_free(source->key);
	g_free(source->edition);
	g_free(source->folder);
	json_decref(source->tables);
	json_decref(source->remote);
	if (source->release)
		source->release(source->held);
}

void query_source_free(struct query_source *source)
{
	if (source)
		g_atomic_rc_box_release_full(source, clear);
}
