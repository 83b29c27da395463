/*
 * MD5 (RFC 1321) over the vector types of gcc and clang, which become whatever the CPU has: two
 * registers of SSE2 or NEON, one of AVX2.
 */
#include "base/md5.h"

#include <string.h>

enum { WORDS = MD5_BLOCK / 4, STEPS = 64, LENGTH_BYTES = 8 };
/* Fewer streams are hashed one after the other. */
enum { LEAST_LANES = 3 };

typedef uint32_t lanes __attribute__((vector_size(4 * MD5_LANES)));

/* The integer part of 2^32 |sin(i + 1)|. */
static const uint32_t sines[STEPS] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
	0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
	0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
	0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
	0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
	0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
	0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
	0xeb86d391,
};

void md5_stream_init(struct md5_stream *stream)
{
	*stream = (struct md5_stream){{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, 0};
}

static inline uint32_t word_at(const guint8 *data, size_t index)
{
	uint32_t word;
	memcpy(&word, data + index * 4, sizeof word);
	return GUINT32_FROM_LE(word);
}

/* The names of RFC 1321. */
#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) F(z, x, y)
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ((y) ^ ((x) | ~(z)))

#define STEP(function, a, b, c, d, step, word, shift)                       \
	do {                                                                \
		(a) += function(b, c, d) + x[(word) % WORDS] + sines[step]; \
		(a) = ((a) << (shift) | (a) >> (32 - (shift))) + (b);       \
	} while (0)

/* Sixteen steps from `first`; of the block, word `step * stride + offset` goes into each. */
#define ROUND(function, first, stride, offset, s1, s2, s3, s4)                        \
	_Pragma("GCC unroll 4") for (size_t i = (first); i < (first) + 16; i += 4) do \
	{                                                                             \
		STEP(function, a, b, c, d, i, i *(stride) + (offset), s1);            \
		STEP(function, d, a, b, c, i + 1, (i + 1) * (stride) + (offset), s2); \
		STEP(function, c, d, a, b, i + 2, (i + 2) * (stride) + (offset), s3); \
		STEP(function, b, c, d, a, i + 3, (i + 3) * (stride) + (offset), s4); \
	}                                                                             \
	while (0)

/* Hashes the words `x` into `state`, arrays of four numbers or of four vectors. */
#define HASH_WORDS(type, state, x)                                                   \
	do {                                                                         \
		type a = (state)[0], b = (state)[1], c = (state)[2], d = (state)[3]; \
		ROUND(F, 0, 1, 0, 7, 12, 17, 22);                                    \
		ROUND(G, 16, 5, 1, 5, 9, 14, 20);                                    \
		ROUND(H, 32, 3, 5, 4, 11, 16, 23);                                   \
		ROUND(I, 48, 7, 0, 6, 10, 15, 21);                                   \
		(state)[0] += a;                                                     \
		(state)[1] += b;                                                     \
		(state)[2] += c;                                                     \
		(state)[3] += d;                                                     \
	} while (0)

/* One stream alone: faster than a single lane. */
static void hash_single(struct md5_stream *stream, const guint8 *data, size_t blocks)
{
	uint32_t x[WORDS];
	for (; blocks > 0; blocks--, data += MD5_BLOCK) {
		for (size_t i = 0; i < WORDS; i++)
			x[i] = word_at(data, i);
		HASH_WORDS(uint32_t, stream->state, x);
		stream->size += MD5_BLOCK;
	}
}

/* `data` has an entry a lane, and is moved on. */
static inline __attribute__((always_inline)) void hash_blocks(lanes *state, const guint8 **data,
							      size_t blocks)
{
	lanes x[WORDS];
	for (; blocks > 0; blocks--) {
		for (size_t i = 0; i < WORDS; i++)
			x[i] = (lanes){word_at(data[0], i), word_at(data[1], i),
				       word_at(data[2], i), word_at(data[3], i),
				       word_at(data[4], i), word_at(data[5], i),
				       word_at(data[6], i), word_at(data[7], i)};
		HASH_WORDS(lanes, state, x);
		for (size_t lane = 0; lane < MD5_LANES; lane++)
			data[lane] += MD5_BLOCK;
	}
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void hash_by_avx2(lanes *state, const guint8 **data,
							 size_t blocks)
{
	hash_blocks(state, data, blocks);
}
#endif

static void hash_plainly(lanes *state, const guint8 **data, size_t blocks)
{
	hash_blocks(state, data, blocks);
}

void md5_streams_update(struct md5_stream *const *streams, const guint8 *const *data, size_t count,
			size_t blocks)
{
	lanes state[4];
	const guint8 *at[MD5_LANES];
	g_assert(count <= MD5_LANES);
	if (count < LEAST_LANES) {
		for (size_t stream = 0; stream < count; stream++)
			hash_single(streams[stream], data[stream], blocks);
		return;
	}
	/* A lane to spare repeats the first. */
	for (size_t lane = 0; lane < MD5_LANES; lane++) {
		size_t stream = lane < count ? lane : 0;
		at[lane] = data[stream];
		for (size_t i = 0; i < G_N_ELEMENTS(state); i++)
			state[i][lane] = streams[stream]->state[i];
	}
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		hash_by_avx2(state, at, blocks);
	else
#endif
		hash_plainly(state, at, blocks);
	for (size_t stream = 0; stream < count; stream++) {
		for (size_t i = 0; i < G_N_ELEMENTS(state); i++)
			streams[stream]->state[i] = state[i][stream];
		streams[stream]->size += blocks * MD5_BLOCK;
	}
}

char *md5_stream_finish(struct md5_stream *stream, const guint8 *data, size_t size)
{
	guint8 last[2 * MD5_BLOCK] = {0};
	size_t whole = size / MD5_BLOCK, rest = size % MD5_BLOCK;
	if (whole > 0)
		md5_streams_update(&stream, &data, 1, whole);
	if (rest > 0)
		memcpy(last, data + whole * MD5_BLOCK, rest);
	last[rest] = 0x80;
	size_t blocks = rest + 1 + LENGTH_BYTES <= MD5_BLOCK ? 1 : 2;
	uint64_t bits = GUINT64_TO_LE((stream->size + rest) * 8);
	memcpy(last + blocks * MD5_BLOCK - LENGTH_BYTES, &bits, LENGTH_BYTES);
	const guint8 *padded = last;
	md5_streams_update(&stream, &padded, 1, blocks);

	GString *digits = g_string_sized_new(MD5_DIGITS);
	for (size_t i = 0; i < sizeof stream->state; i++)
		g_string_append_printf(digits, "%02x",
				       (stream->state[i / 4] >> (i % 4 * 8)) & 0xff);
	return g_string_free(digits, FALSE);
}
