/* kv.c - rows of keys and values into pages and out of them. */
#include "graph/kv.h"

#include <math.h>
#include <string.h>

#include "base/jerr.h"

bool
jkv_offers(enum jdtype type)
{
	return type == JDT_F32 || type == JDT_F16 || type == JDT_Q8_0;
}

int64_t
jkv_pages(int64_t tokens)
{
	return (tokens + JKV_PAGE - 1) / JKV_PAGE;
}

static int64_t
head_blocks(int64_t d)
{
	return (d + JKV_BLOCK - 1) / JKV_BLOCK;
}

int64_t
jkv_blocks(int64_t heads, int64_t d)
{
	return heads * head_blocks(d);
}

/* Bytes of one value, and those of a head. */
static size_t
value_bytes(enum jdtype type)
{
	return type == JDT_F32 ? 4 : type == JDT_F16 ? 2 : 1;
}

static size_t
head_bytes(enum jdtype type, int64_t d)
{
	size_t scales = type == JDT_Q8_0 ? (size_t)head_blocks(d) * sizeof(uint16_t) : 0;

	return JKV_PAGE * (value_bytes(type) * (size_t)d + scales);
}

uint64_t
jkv_page_bytes(enum jdtype type, int64_t heads, int64_t d)
{
	return (uint64_t)heads * head_bytes(type, d);
}

/* A head of a page. */
struct head {
	uint16_t *scales;		/* Q8_0 */
	unsigned char *values;
	int64_t scale_row, scale_block;	/* distances in scales of tokens and blocks */
	int64_t row, col;		/* distances in values of tokens and elements */
};

static struct head
head_of(const struct jkv_rows *r, int64_t h)
{
	int64_t nb = head_blocks(r->d);
	struct head x = { .values = (unsigned char *)r->page + (size_t)h * head_bytes(r->type, r->d) };

	x.scales = (uint16_t *)(void *)x.values;
	if (r->type == JDT_Q8_0)
		x.values += (size_t)(nb * JKV_PAGE) * sizeof(uint16_t);
	x.scale_row = r->values ? nb : 1;
	x.scale_block = r->values ? 1 : JKV_PAGE;
	x.row = r->values ? r->d : 1;
	x.col = r->values ? 1 : JKV_PAGE;
	return x;
}

/* n values, `step` apart on one side, next to each other on the other. */
static void
scatter(void *to, int64_t step, const void *from, int64_t n, size_t size)
{
	if (step == 1) {
		memcpy(to, from, (size_t)n * size);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		if (size == 4)
			((uint32_t *)to)[i * step] = ((const uint32_t *)from)[i];
		else if (size == 2)
			((uint16_t *)to)[i * step] = ((const uint16_t *)from)[i];
		else
			((uint8_t *)to)[i * step] = ((const uint8_t *)from)[i];
	}
}

static void
gather(void *to, const void *from, int64_t step, int64_t n, size_t size)
{
	for (int64_t i = 0; i < n; i++)
		memcpy((char *)to + (size_t)i * size, (const char *)from + (size_t)(i * step) * size, size);
}

void
jkv_get(const struct jkv_rows *r, void *to, uint16_t *scales)
{
	size_t size = value_bytes(r->type);
	int64_t nb = head_blocks(r->d);

	for (int64_t i = 0; i < r->n * r->heads; i++) {
		struct head x = head_of(r, i % r->heads);
		int64_t at = r->first + i / r->heads;

		gather((char *)to + (size_t)(i * r->d) * size, x.values + (size_t)(at * x.row) * size,
			x.col, r->d, size);
		if (r->type == JDT_Q8_0)
			gather(scales + i * nb, x.scales + at * x.scale_row, x.scale_block, nb,
				sizeof(*scales));
	}
}

void
jkv_put(const struct jkv_rows *r, const void *from, const uint16_t *scales)
{
	size_t size = value_bytes(r->type);
	int64_t nb = head_blocks(r->d);

	for (int64_t i = 0; i < r->n * r->heads; i++) {
		struct head x = head_of(r, i % r->heads);
		int64_t at = r->first + i / r->heads;

		scatter(x.values + (size_t)(at * x.row) * size, x.col,
			(const char *)from + (size_t)(i * r->d) * size, r->d, size);
		if (r->type == JDT_Q8_0)
			scatter(x.scales + at * x.scale_row, x.scale_block, scales + i * nb, nb,
				sizeof(*scales));
	}
}

static int8_t
to_i8(float v)
{
	v = v > 127 ? 127 : v > -127 ? v : v == v ? -127 : 0;
	return (int8_t)roundf(v);
}

/* One head of one row as Q8_0; q has room for d. */
static void
quantize(const float *v, int64_t d, int8_t *q, uint16_t *scales)
{
	for (int64_t b = 0; b < d; b += JKV_BLOCK) {
		int64_t n = d - b < JKV_BLOCK ? d - b : JKV_BLOCK;
		float top = 0, s;

		for (int64_t i = 0; i < n; i++)
			top = fabsf(v[b + i]) > top ? fabsf(v[b + i]) : top;
		s = top / 127;
		for (int64_t i = 0; i < n; i++)
			q[b + i] = to_i8(s > 0 ? v[b + i] * (1 / s) : 0);
		scales[b / JKV_BLOCK] = jten_f32_to_f16(s);
	}
}

enum { MOST = 512 };		/* widest head that is rounded at once; a multiple of JKV_BLOCK */

static void
put_rounded(const struct head *x, const struct jkv_rows *r, int64_t at, const float *from)
{
	size_t size = value_bytes(r->type);
	uint16_t half[MOST], scales[MOST / JKV_BLOCK];
	int8_t q[MOST];

	for (int64_t e = 0; e < r->d; e += MOST) {
		int64_t n = r->d - e < MOST ? r->d - e : MOST;
		unsigned char *to = x->values + (size_t)(at * x->row + e * x->col) * size;

		if (r->type == JDT_F16) {
			jten_from_f32(half, JDT_F16, from + e, n);
			scatter(to, x->col, half, n, size);
			continue;
		}
		quantize(from + e, n, q, scales);
		scatter(to, x->col, q, n, size);
		scatter(x->scales + at * x->scale_row + e / JKV_BLOCK * x->scale_block,
			x->scale_block, scales, head_blocks(n), sizeof(*scales));
	}
}

void
jkv_put_f32(const struct jkv_rows *r, const float *from)
{
	if (r->type == JDT_F32) {
		jkv_put(r, from, NULL);
		return;
	}
	for (int64_t i = 0; i < r->n * r->heads; i++) {
		struct head x = head_of(r, i % r->heads);

		put_rounded(&x, r, r->first + i / r->heads, from + i * r->d);
	}
}

static void
decode_keys(const struct jkern *k, const struct head *x, int64_t d, float *work)
{
	float *s = work + JKV_PAGE * d;

	for (int64_t b = 0; b < head_blocks(d); b++) {
		int64_t end = (b + 1) * JKV_BLOCK < d ? (b + 1) * JKV_BLOCK : d;

		k->f16_to_f32(s, x->scales + b * JKV_PAGE, JKV_PAGE);
		for (int64_t e = b * JKV_BLOCK; e < end; e++)
			k->i8_mul(work + e * JKV_PAGE, (const int8_t *)x->values + e * JKV_PAGE, s,
				JKV_PAGE);
	}
}

static void
decode_values(const struct jkern *k, const struct head *x, int64_t d, int64_t n, float *work)
{
	int64_t nb = head_blocks(d);

	for (int64_t i = 0; i < n * nb; i++) {
		int64_t from = i % nb * JKV_BLOCK, at = i / nb * d + from;

		k->i8_scale(work + at, (const int8_t *)x->values + at, jten_f16_to_f32(x->scales[i]),
			d - from < JKV_BLOCK ? d - from : JKV_BLOCK);
	}
}

const float *
kv_tile(const struct jkern *k, const struct jkv_rows *r, int64_t h, float *work)
{
	struct head x = head_of(r, h);

	if (r->type == JDT_F32)
		return (const float *)(void *)x.values;
	if (r->type == JDT_F16)
		k->f16_to_f32(work, x.values, (r->values ? r->n : JKV_PAGE) * r->d);
	else if (r->values)
		decode_values(k, &x, r->d, r->n, work);
	else
		decode_keys(k, &x, r->d, work);
	return work;
}
