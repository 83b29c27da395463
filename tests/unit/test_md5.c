/* MD5 of one and of many streams, against GLib's. */
#include "base/md5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LONGEST = 1024 };

static guint8 *make_text(size_t size, unsigned seed)
{
	guint8 *text = g_malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		text[i] = (guint8)(i * 31 + seed * 17 + (i >> 8));
	return text;
}

static void assert_sum(struct md5_stream *stream, const guint8 *rest, size_t size,
		       const guint8 *text, size_t whole)
{
	g_autofree char *ours = md5_stream_finish(stream, rest, size);
	g_autofree char *theirs = g_compute_checksum_for_data(G_CHECKSUM_MD5, text, whole);
	assert_string_equal(ours, theirs);
}

static void every_size(void **state)
{
	g_autofree guint8 *text = make_text(LONGEST, 1);
	for (size_t size = 0; size <= LONGEST; size++) {
		struct md5_stream stream;
		md5_stream_init(&stream);
		assert_sum(&stream, text, size, text, size);
	}
}

/* Streams of their own lengths, which leave the lanes one after the other. */
static void every_number_of_lanes(void **state)
{
	for (size_t count = 1; count <= MD5_LANES; count++) {
		struct md5_stream streams[MD5_LANES], *pointers[MD5_LANES];
		guint8 *texts[MD5_LANES];
		const guint8 *data[MD5_LANES];
		for (size_t i = 0; i < count; i++) {
			texts[i] = make_text(LONGEST, (unsigned)i);
			data[i] = texts[i];
			pointers[i] = &streams[i];
			md5_stream_init(&streams[i]);
		}
		md5_streams_update(pointers, data, count, 5);
		for (size_t i = 0; i < count; i++)
			data[i] += 5 * (size_t)MD5_BLOCK;
		md5_streams_update(pointers, data, count, 1);
		for (size_t i = 0; i < count; i++) {
			size_t size = 6 * (size_t)MD5_BLOCK + i * 7;
			assert_int_equal(streams[i].size, 6 * MD5_BLOCK);
			assert_sum(&streams[i], texts[i] + 6 * (size_t)MD5_BLOCK, i * 7, texts[i],
				   size);
			g_free(texts[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),
		cmocka_unit_test(every_number_of_lanes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
