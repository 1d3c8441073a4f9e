/*
 * weights.c - tensors of a file becoming parameters of a model, converted or as they are.
 */
#include "model/weights.h"

#include <string.h>

#include "base/jmem.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "tensor/jquant.h"

int64_t
weights_count(const struct jparam *p)
{
	int64_t n = 1;

	for (int i = 0; i < p->n_dims; i++)
		n *= p->shape[i];
	return n;
}

static int64_t
row_values(const struct jparam *p)
{
	return p->shape[p->n_dims - 1];
}

/* Copies rows of rotary heads from neighbouring pairs into rotate-half order. */
static void
split_pairs(void *dst, const void *src, int64_t rows, uint64_t row_bytes, int64_t head_dim)
{
	int64_t half = head_dim / 2;

	for (int64_t r = 0; r < rows; r++) {
		int64_t in = r % head_dim, from = r - in + 2 * (in % half) + in / half;

		memcpy((char *)dst + (uint64_t)r * row_bytes,
			(const char *)src + (uint64_t)from * row_bytes, (size_t)row_bytes);
	}
}

/* [rows, cols] of values of some size from [cols, rows]. */
static void
turn(void *dst, const void *src, int64_t rows, int64_t cols, size_t size)
{
	for (int64_t r = 0; r < rows; r++)
		for (int64_t c = 0; c < cols; c++)
			memcpy((char *)dst + (size_t)(r * cols + c) * size,
				(const char *)src + (size_t)(c * rows + r) * size, size);
}

/* Is this what a parameter may stay as (jgraph.h)?  Vectors become fp32. */
static bool
may_stay(const struct jparam *p, enum jdtype d)
{
	return p->n_dims > 1 && (d == JDT_F32 || d == JDT_F16 || d == JDT_BF16 || jdtype_is_block(d));
}

static void *
own_copy(struct jmodel *m, uint64_t bytes, const struct weight_bytes *t, struct jerr *e)
{
	struct weight_source *s = m->source;
	void *p = bytes < SIZE_MAX ? jmem_try_aligned((size_t)bytes, 1) : NULL;

	if (!p) {
		jerr_set(e, JERR_NOMEM, "%s: tensor %s: no memory for a copy of %llu bytes", t->file,
			t->name, (unsigned long long)bytes);
		return NULL;
	}
	JMEM_GROW(s->copies, s->cap, s->n + 1);
	s->copies[s->n++] = p;
	return p;
}

/* Points p at bytes of type d. */
static void
refer(struct jparam *p, enum jdtype d, const void *data)
{
	p->dtype = d;
	p->value = NULL;
	p->data = NULL;
	if (d == JDT_F32)
		p->value = (float *)(uintptr_t)data;	/* an opened model is only read */
	else
		p->data = data;
}

/* All values in fp32, in our order. */
static int
decode(const struct jmodel *m, const struct jparam *p, const struct weight_bytes *t, unsigned form,
	float *to, struct jerr *e)
{
	int64_t n = weights_count(p), cols = p->n_dims > 1 ? row_values(p) : 1;
	float *copy;

	if (!(form & (WF_PAIRED | WF_TURNED))) {
		jten_to_f32(to, t->data, t->dtype, n);
		for (int64_t i = 0; form & WF_ABOVE_ONE && i < n; i++)
			to[i] -= 1;
		return 0;
	}
	copy = jmem_try((size_t)n, sizeof(*copy));
	if (!copy)
		return jerr_set(e, JERR_NOMEM, "%s: tensor %s: no memory to reorder it", t->file,
			t->name);
	jten_to_f32(copy, t->data, t->dtype, n);
	if (form & WF_TURNED)
		turn(to, copy, n / cols, cols, sizeof(*copy));
	else
		split_pairs(to, copy, n / cols, (uint64_t)cols * sizeof(*copy), m->cfg.head_dim);
	jmem_free(copy);
	return 0;
}

/* A copy of our own: the same bytes in our order, or fp32 where they may not stay what they are. */
static int
put_copy(struct jmodel *m, struct jparam *p, const struct weight_bytes *t, unsigned form,
	struct jerr *e)
{
	bool stays = may_stay(p, t->dtype);
	enum jdtype d = stays ? t->dtype : JDT_F32;
	int64_t cols = row_values(p), rows = weights_count(p) / cols;
	uint64_t bytes = jten_bytes(d, weights_count(p));
	void *copy = own_copy(m, bytes, t, e);

	if (!copy || (!stays && decode(m, p, t, form, copy, e) < 0))
		return e->code;
	if (stays && form & WF_PAIRED)
		split_pairs(copy, t->data, rows, jten_bytes(d, cols), m->cfg.head_dim);
	else if (stays && form & WF_TURNED)
		turn(copy, t->data, rows, cols, (size_t)jten_bytes(d, 1));
	else if (stays)
		memcpy(copy, t->data, (size_t)bytes);
	refer(p, d, copy);
	return 0;
}

int
weights_put(struct jmodel *m, struct jparam *p, const struct weight_bytes *t, unsigned form,
	struct jerr *e)
{
	bool aligned = t->dtype != JDT_F32 || (uintptr_t)t->data % sizeof(float) == 0;

	if (row_values(p) % jdtype_values(t->dtype))
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: rows of %lld values are not whole blocks "
			"of %s", t->file, t->name, (long long)row_values(p), jdtype_name(t->dtype));
	if (m->values)
		return decode(m, p, t, form, p->value, e);
	if (!form && aligned && may_stay(p, t->dtype))
		refer(p, t->dtype, t->data);
	else
		return put_copy(m, p, t, form, e);
	return 0;
}

int
weights_put_rows(struct jmodel *m, struct jparam *p, const struct weight_bytes *t,
	const int64_t rows[2], struct jerr *e)
{
	int64_t cols = row_values(p);
	enum jdtype d = may_stay(p, t->dtype) ? t->dtype : JDT_F32;
	uint64_t row_bytes;

	if (cols % jdtype_values(t->dtype))
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: rows of %lld values are not whole blocks "
			"of %s", t->file, t->name, (long long)cols, jdtype_name(t->dtype));
	if (m->values) {
		jten_to_f32(p->value + rows[0] * cols, t->data, t->dtype, rows[1] * cols);
		return 0;
	}
	if (!p->value && !p->data) {
		void *copy = own_copy(m, jten_bytes(d, weights_count(p)), t, e);

		if (!copy)
			return e->code;
		refer(p, d, copy);
	}
	if (p->dtype != d)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: tensor %s is %s, other parts of %s are %s",
			t->file, t->name, jdtype_name(t->dtype), p->name, jdtype_name(p->dtype));
	row_bytes = jten_bytes(d, cols);
	if (d == t->dtype)
		memcpy((char *)(d == JDT_F32 ? p->value : (void *)(uintptr_t)p->data) +
			(uint64_t)rows[0] * row_bytes, t->data, (size_t)((uint64_t)rows[1] * row_bytes));
	else
		jten_to_f32(p->value + rows[0] * cols, t->data, t->dtype, rows[1] * cols);
	return 0;
}

void
weights_keep(struct jmodel *m, struct jst *st, struct jgguf *gguf, struct jmapped *map)
{
	struct weight_source now = { .st = st, .gguf = gguf };

	if (map)
		now.map = *map;
	if (!m->source) {
		weights_free_source(&now);
		return;
	}
	m->source->st = now.st;
	m->source->gguf = now.gguf;
	m->source->map = now.map;
}

void
weights_close_files(struct weight_source *s)
{
	jst_close(s->st);
	if (s->gguf)
		jgguf_close(s->gguf);
	if (s->map.p)
		jfs_unmap(&s->map);
	s->st = NULL;
	s->gguf = NULL;
}

void
weights_free_source(struct weight_source *s)
{
	weights_close_files(s);
	for (size_t i = 0; i < s->n; i++)
		jmem_free(s->copies[i]);
	jmem_free(s->copies);
}

void
jmodel_rows(const struct jparam *p, int64_t first, int64_t n, float *to)
{
	int64_t cols = row_values(p);

	if (p->value)
		memcpy(to, p->value + first * cols, (size_t)(n * cols) * sizeof(*to));
	else
		jten_to_f32(to, (const char *)p->data + (uint64_t)first * jten_bytes(p->dtype, cols),
			p->dtype, n * cols);
}
