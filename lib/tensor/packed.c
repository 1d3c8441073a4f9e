/* packed.c - laying weights out in groups of rows, and products over all groups. */
#include "tensor/packed.h"

#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jsys.h"
#include "tensor/jkern.h"
#include "tensor/jquant.h"

enum {
	PLAIN_ROWS = 16,	/* from more rows on the plain types are jkern_gemm()'s */
	PLAIN_GROUPS = 4,	/* of a tile of those */
	SLACK = 64,		/* behind the weights: kernels load whole registers */
	TASKS = 8		/* per worker */
};

struct jpacked {
	enum pack_kind kind;
	enum jdtype type;
	const struct packed_ops *ops;
	int64_t N, K, groups;
	uint64_t group_bytes;
	const unsigned char *rows;	/* as stored */
	unsigned char *w;
};

/* Best first. */
static const struct packed_ops *const sets[] = {
#if defined(__x86_64__)
	&packed_vnni, &packed_avx2,
#endif
	&packed_generic, NULL
};

static const struct packed_ops *
usable(int i)
{
	for (size_t s = 0; sets[s]; s++)
		if (!(sets[s]->features & ~jsys_features()) && i-- == 0)
			return sets[s];
	return NULL;
}

const char *
jpacked_kernels(int i)
{
	return usable(i) ? usable(i)->name : NULL;
}

static int
kind_of(enum jdtype type)
{
	switch (type) {
	case JDT_Q8_0:
		return PACK_Q8_0;
	case JDT_Q4_0:
		return PACK_Q4_0;
	case JDT_Q4_K:
		return PACK_Q4_K;
	case JDT_Q5_K:
		return PACK_Q5_K;
	case JDT_Q6_K:
		return PACK_Q6_K;
	case JDT_F16:
		return PACK_F16;
	case JDT_BF16:
		return PACK_BF16;
	default:
		return -1;
	}
}

static bool
is_plain(enum pack_kind kind)
{
	return kind == PACK_F16 || kind == PACK_BF16;
}

bool
jpacked_offers(enum jdtype type, int64_t K)
{
	return kind_of(type) >= 0 && K > 0 && K % (int64_t)jdtype_values(type) == 0;
}

static uint64_t
group_bytes(enum jdtype type, int64_t K)
{
	uint64_t bytes = jten_bytes(type, K) * PACK_GROUP;

	/* Scales of 6 bits take 8. */
	return type == JDT_Q4_K || type == JDT_Q5_K ? bytes + (uint64_t)K / 256 * 4 * PACK_GROUP
		: bytes;
}

uint64_t
jpacked_bytes(enum jdtype type, int64_t N, int64_t K)
{
	return (uint64_t)((N + PACK_GROUP - 1) / PACK_GROUP) * group_bytes(type, K) + SLACK;
}

/* --- laying out: row r of a group, `from` as stored, into the group's bytes --- */
static void
put_row_q8_0(unsigned char *to, const unsigned char *from, int64_t K, int r)
{
	for (int64_t b = 0; b < K / 32; b++, from += 34, to += 544) {
		memcpy(to + 2 * r, from, 2);
		for (int i = 0; i < 32; i++)
			to[32 + i / 4 * 64 + r * 4 + i % 4] = from[2 + i] ^ 0x80;
	}
}

static void
put_row_q4_0(unsigned char *to, const unsigned char *from, int64_t K, int r)
{
	for (int64_t b = 0; b < K / 32; b++, from += 18, to += 288) {
		memcpy(to + 2 * r, from, 2);
		for (int j = 0; j < 4; j++)
			memcpy(to + 32 + j * 64 + r * 4, from + 2 + 4 * j, 4);
	}
}

/* The 6-bit scale and minimum of block s (ggml's packing). */
static void
q4_k_scale(const unsigned char *p, int s, unsigned char *scale, unsigned char *min)
{
	if (s < 4) {
		*scale = p[s] & 63;
		*min = p[s + 4] & 63;
	} else {
		*scale = (unsigned char)((p[s + 4] & 15) | p[s - 4] >> 6 << 4);
		*min = (unsigned char)(p[s + 4] >> 4 | p[s] >> 6 << 4);
	}
}

/* Block s of 256 values: its scale and minimum, and the nibbles, which begin at q. */
static void
put_nibbles(unsigned char *to, const unsigned char *from, const unsigned char *q, int s, int r)
{
	int shift = s % 2 * 4;

	q += s / 2 * 32;
	q4_k_scale(from + 4, s, to + r, to + 16 + r);
	for (int i = 0; i < 16; i++)
		to[32 + i / 4 * 64 + r * 4 + i % 4] = (unsigned char)(
			(q[i] >> shift & 15) | (q[i + 16] >> shift & 15) << 4);
}

static void
put_row_q4_k(unsigned char *to, const unsigned char *from, int64_t K, int r)
{
	for (int64_t b = 0; b < K / 256; b++, from += 144) {
		memcpy(to + 2 * r, from, 2);
		memcpy(to + 32 + 2 * r, from + 2, 2);
		to += 64;
		for (int s = 0; s < 8; s++, to += 288)
			put_nibbles(to, from, from + 16, s, r);
	}
}

static void
put_row_q5_k(unsigned char *to, const unsigned char *from, int64_t K, int r)
{
	for (int64_t b = 0; b < K / 256; b++, from += 176) {
		memcpy(to + 2 * r, from, 2);
		memcpy(to + 32 + 2 * r, from + 2, 2);
		to += 64;
		for (int s = 0; s < 8; s++, to += 352) {
			put_nibbles(to, from, from + 48, s, r);
			for (int i = 0; i < 32; i++)
				to[288 + r * 4 + i % 4] |= (unsigned char)(
					(from[16 + i] >> s & 1) << i / 4);
		}
	}
}

/* Value i of block s of 256 values of Q6_K, before 32 is taken away. */
static unsigned
q6_k_value(const unsigned char *from, int s, int i)
{
	unsigned low = from[s / 4 * 64 + s % 2 * 32 + i] >> (s % 4 / 2 * 4) & 15;

	return low | (from[128 + s / 4 * 32 + i] >> s % 4 * 2 & 3) << 4;
}

static void
put_row_q6_k(unsigned char *to, const unsigned char *from, int64_t K, int r)
{
	for (int64_t b = 0; b < K / 256; b++, from += 210) {
		memcpy(to + 2 * r, from + 208, 2);
		to += 32;
		for (int s = 0; s < 8; s++, to += 416) {
			to[r] = from[192 + s / 4 * 8 + s % 4 * 2];
			to[16 + r] = from[192 + s / 4 * 8 + s % 4 * 2 + 1];
			for (int i = 0; i < 16; i++) {
				unsigned a = q6_k_value(from, s, i), c = q6_k_value(from, s, i + 16);
				int at = r * 4 + i % 4, shift = i / 4 * 2;

				to[32 + i / 4 * 64 + at] = (unsigned char)((a & 15) | (c & 15) << 4);
				to[288 + at] |= (unsigned char)(a >> 4 << shift);
				to[352 + at] |= (unsigned char)(c >> 4 << shift);
			}
		}
	}
}

static void
put_row_plain(unsigned char *to, const unsigned char *from, int64_t K, int r)
{
	for (int64_t k = 0; k < K; k++)
		memcpy(to + (k * PACK_GROUP + r) * 2, from + 2 * k, 2);
}

static void
pack_group(void *arg, int64_t i, int worker)
{
	static void (*const put[PACK_KINDS])(unsigned char *, const unsigned char *, int64_t, int) = {
		put_row_q8_0, put_row_q4_0, put_row_q4_k, put_row_q5_k, put_row_q6_k, put_row_plain,
		put_row_plain
	};
	const struct jpacked *p = arg;
	unsigned char *to = p->w + (uint64_t)i * p->group_bytes;
	int64_t first = i * PACK_GROUP;

	(void)worker;
	memset(to, 0, (size_t)p->group_bytes);
	for (int64_t r = 0; r < PACK_GROUP && first + r < p->N; r++)
		put[p->kind](to, p->rows + (uint64_t)(first + r) * jten_bytes(p->type, p->K), p->K,
			(int)r);
}

struct jpacked *
jpacked_new(enum jdtype type, const void *rows, int64_t N, int64_t K, struct jpar *pool)
{
	uint64_t bytes = jpacked_bytes(type, N, K);
	struct jpacked *p;

	if (!jpacked_offers(type, K))
		jbug("jpacked_new: rows of %lld %s", (long long)K, jdtype_name(type));
	p = jmem_zalloc(1, sizeof(*p));
	p->kind = (enum pack_kind)kind_of(type);
	p->type = type;
	p->ops = usable(0);
	p->N = N;
	p->K = K;
	p->groups = (N + PACK_GROUP - 1) / PACK_GROUP;
	p->group_bytes = group_bytes(type, K);
	p->rows = rows;
	p->w = bytes < SIZE_MAX / 2 ? jmem_map((size_t)bytes) : NULL;
	if (!p->w) {
		jmem_free(p);
		return NULL;
	}
	jpar_for(pool, p->groups, pack_group, p);
	return p;
}

void
jpacked_free(struct jpacked *p)
{
	if (!p)
		return;
	jmem_unmap(p->w, (size_t)jpacked_bytes(p->type, p->N, p->K));
	jmem_free(p);
}

/* --- products --- */
struct product {
	const struct jpacked *p;
	const struct jpacked_call *c;
	struct packed_rows a;		/* of all rows of x */
	int64_t step;			/* groups of a task */
};

/* Rows of x in 8 bits, from row m on. */
static struct packed_rows
rows_at(const struct product *u, int64_t m)
{
	int64_t K = u->p->K;
	struct packed_rows a = u->a;

	a.q += m * K;
	a.d += m * (K / PACK_BLOCK);
	a.s += m * (K / PACK_BLOCK);
	a.z += m * (K / 16);
	return a;
}

static void
quantize_row(void *arg, int64_t m, int worker)
{
	const struct product *u = arg;
	const struct jpacked *p = u->p;
	const struct packed_rows to = rows_at(u, m);

	(void)worker;
	p->ops->quantize(&to, u->c->x + m * u->c->ldx, p->K, p->ops->zero[p->kind],
		p->kind == PACK_Q6_K);
}

/* Floats that M rows in 8 bits take; lays them out from base unless that is NULL. */
static size_t
lay_rows(struct packed_rows *a, float *base, int64_t M, int64_t K)
{
	int64_t blocks = (M * (K / PACK_BLOCK) + 15) / 16 * 16;

	if (base) {
		a->d = base;
		a->s = base + blocks;
		a->z = (int32_t *)(void *)(base + 2 * blocks);
		a->q = (int8_t *)(base + 4 * blocks);
	}
	return (size_t)(4 * blocks + (M * K + 63) / 64 * 16);
}

static void
run_groups(void *arg, int64_t i, int worker)
{
	const struct product *u = arg;
	const struct jpacked *p = u->p;
	const struct jpacked_call *c = u->c;
	int64_t end = (i + 1) * u->step < p->groups ? (i + 1) * u->step : p->groups, wide;
	struct packed_tile t = { .K = p->K, .kc = jgemm_block(p->K), .ldx = c->ldx, .ldy = c->ldy,
		.add = c->add, .group_bytes = p->group_bytes };

	(void)worker;
	for (int64_t g = i * u->step; g < end; g += wide) {
		wide = !is_plain(p->kind) ? 1 : end - g < PLAIN_GROUPS ? end - g : PLAIN_GROUPS;
		t.groups = (int)wide;
		t.w = p->w + (uint64_t)g * p->group_bytes;
		t.cols = (int)(p->N - g * PACK_GROUP < wide * PACK_GROUP ? p->N - g * PACK_GROUP
			: wide * PACK_GROUP);
		for (int64_t m = 0; m < c->M; m += t.rows) {
			t.rows = (int)(c->M - m < p->ops->rows ? c->M - m : p->ops->rows);
			t.a = rows_at(u, is_plain(p->kind) ? 0 : m);
			t.x = c->x + m * c->ldx;
			t.y = c->y + m * c->ldy + g * PACK_GROUP;
			p->ops->tile[p->kind](&t);
		}
	}
}

static struct jgemm
as_gemm(const struct jpacked *p, const struct jpacked_call *c)
{
	return (struct jgemm){
		.form = JGEMM_NT, .M = c->M, .N = p->N, .K = p->K, .A = c->x, .lda = c->ldx,
		.C = c->y, .ldc = c->ldy, .alpha = 1, .beta = c->add ? 1 : 0,
		.b_type = p->type, .b_data = p->rows, .ldb = p->K
	};
}

size_t
jpacked_work(const struct jpacked *p, int64_t M, int workers)
{
	const struct jpacked_call c = { .M = M };
	struct jgemm g = as_gemm(p, &c);

	if (!is_plain(p->kind))
		return lay_rows(NULL, NULL, M, p->K);
	return M > PLAIN_ROWS ? jkern_gemm_work_of(jkern_get(), &g) * (size_t)workers : 0;
}

void
jpacked_product(const struct jpacked *p, const struct jpacked_call *c, struct jpar *pool, float *work)
{
	struct product u = { .p = p, .c = c };

	if (is_plain(p->kind) && c->M > PLAIN_ROWS) {
		struct jgemm g = as_gemm(p, c);

		jkern_gemm_par(jkern_get(), &g, pool, work);
		return;
	}
	u.step = (p->groups + jpar_size(pool) * TASKS - 1) / (jpar_size(pool) * TASKS);
	u.step = (u.step + 3) / 4 * 4;
	if (!is_plain(p->kind)) {
		lay_rows(&u.a, work, c->M, p->K);
		if (c->M > 4)
			jpar_for(pool, c->M, quantize_row, &u);
		for (int64_t m = 0; c->M <= 4 && m < c->M; m++)
			quantize_row(&u, m, 0);
	}
	jpar_for(pool, (p->groups + u.step - 1) / u.step, run_groups, &u);
}
