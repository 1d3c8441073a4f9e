/*
 * Expressions and rules under construction.
 */
#include "infer/grammar.h"

#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"

void
gbuild_init(struct gbuild *b, const char *name)
{
	memset(b, 0, sizeof(*b));
	jarena_init(&b->arena, 0);
	b->name = name;
}

void
gbuild_release(struct gbuild *b)
{
	jarena_release(&b->arena);
	jmem_free(b->rules);
	jmem_free(b->index);
}

static uint32_t *
slot_of(const struct gbuild *b, const char *name, size_t n)
{
	size_t at = jhash64(name, n, 0) & (b->index_size - 1);

	for (;; at = (at + 1) & (b->index_size - 1)) {
		const char *other;

		if (b->index[at] == 0)
			return &b->index[at];
		other = b->rules[b->index[at] - 1].name;
		if (strncmp(other, name, n) == 0 && other[n] == '\0')
			return &b->index[at];
	}
}

static void
grow_index(struct gbuild *b)
{
	b->index_size = b->index_size ? b->index_size * 2 : 64;
	jmem_free(b->index);
	b->index = jmem_zalloc(b->index_size, sizeof(*b->index));
	for (size_t i = 0; i < b->n; i++)
		if (b->rules[i].name)
			*slot_of(b, b->rules[i].name, strlen(b->rules[i].name)) = (uint32_t)i + 1;
}

static uint32_t
add_rule(struct gbuild *b, const char *name, const struct gx *x, int line)
{
	JMEM_GROW(b->rules, b->cap, b->n + 1);
	b->rules[b->n] = (struct grule){ .name = name, .x = x, .line = line };
	return (uint32_t)b->n++;
}

uint32_t
gbuild_rule(struct gbuild *b, const char *name, size_t n, int line)
{
	uint32_t *slot, rule;

	if (2 * (b->n + 1) > b->index_size)
		grow_index(b);
	slot = slot_of(b, name, n);
	if (*slot)
		return *slot - 1;
	rule = add_rule(b, jarena_strndup(&b->arena, name, n), NULL, line);
	*slot = rule + 1;
	return rule;
}

uint32_t
gbuild_anonymous(struct gbuild *b, const struct gx *x)
{
	return add_rule(b, NULL, x, 0);
}

static struct gx *
new_gx(struct gbuild *b, enum gx_kind kind)
{
	struct gx *x = jarena_alloc(&b->arena, 1, sizeof(*x));

	x->kind = kind;
	return x;
}

const struct gx *
gx_empty(struct gbuild *b)
{
	return new_gx(b, GX_EMPTY);
}

const struct gx *
gx_bytes(struct gbuild *b, const char *p, size_t n)
{
	struct gx *x;

	if (n == 0)
		return gx_empty(b);
	x = new_gx(b, GX_BYTES);
	x->n = (uint32_t)n;
	x->u.bytes = jarena_strndup(&b->arena, p, n);
	return x;
}

const struct gx *
gx_str(struct gbuild *b, const char *s)
{
	return gx_bytes(b, s, strlen(s));
}

static int
by_lo(const void *a, const void *b)
{
	const struct grange *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Appends [lo, hi] without the surrogates, which UTF-8 does not have. */
static size_t
put_range(struct grange *out, size_t n, uint32_t lo, uint32_t hi)
{
	if (hi > 0x10ffff)
		hi = 0x10ffff;
	if (lo < 0xd800 && hi >= 0xd800) {
		out[n++] = (struct grange){ lo, 0xd7ff };
		lo = 0xe000;
	} else if (lo >= 0xd800 && lo <= 0xdfff) {
		lo = 0xe000;
	}
	if (lo <= hi)
		out[n++] = (struct grange){ lo, hi };
	return n;
}

const struct gx *
gx_class(struct gbuild *b, const struct grange *r, size_t n, bool negated)
{
	struct grange *sorted = jmem_alloc(n + 1, sizeof(*sorted)), *out;
	struct gx *x = new_gx(b, GX_CLASS);
	size_t k = 0, i;
	uint32_t next = 0;

	for (i = 0; i < n; i++)
		sorted[i] = r[i];
	qsort(sorted, n, sizeof(*sorted), by_lo);
	out = jarena_alloc(&b->arena, 2 * n + 2, sizeof(*out));
	if (!negated) {
		for (i = 0; i < n; i++) {
			uint32_t lo = sorted[i].lo, hi = sorted[i].hi;

			for (; i + 1 < n && sorted[i + 1].lo <= hi + 1; i++)
				if (sorted[i + 1].hi > hi)
					hi = sorted[i + 1].hi;
			k = put_range(out, k, lo, hi);
		}
	} else {
		for (i = 0; i < n; i++) {
			if (sorted[i].lo > next)
				k = put_range(out, k, next, sorted[i].lo - 1);
			if (sorted[i].hi + 1 > next)
				next = sorted[i].hi + 1;
		}
		if (next <= 0x10ffff)
			k = put_range(out, k, next, 0x10ffff);
	}
	jmem_free(sorted);
	x->n = (uint32_t)k;
	x->u.ranges = out;
	return x;
}

const struct gx *
gx_ref(struct gbuild *b, uint32_t rule)
{
	struct gx *x = new_gx(b, GX_RULE);

	x->u.rule = rule;
	return x;
}

/* Parts of a repetition that would be copied often become a rule: a copy is then one edge. */
static const struct gx *
cheap_to_copy(struct gbuild *b, const struct gx *x, uint32_t copies)
{
	if (copies <= 1 || x->kind == GX_RULE || x->kind == GX_EMPTY ||
	    (x->kind == GX_BYTES && x->n == 1))
		return x;
	if (x->kind == GX_CLASS && x->u.ranges[x->n - 1].hi < 0x80)
		return x;
	return gx_ref(b, gbuild_anonymous(b, x));
}

const struct gx *
gx_repeat(struct gbuild *b, const struct gx *sub, uint32_t min, uint32_t max)
{
	struct gx *x;

	if (min == 1 && max == 1)
		return sub;
	if (max == 0)
		return gx_empty(b);
	x = new_gx(b, GX_REPEAT);
	x->u.sub = cheap_to_copy(b, sub, max == GX_ANY ? min + 1 : max);
	x->min = min;
	x->max = max;
	return x;
}

void
gx_push(struct gbuild *b, struct gx_list *l, const struct gx *x)
{
	JARENA_GROW(&b->arena, l->v, l->cap, l->n + 1);
	l->v[l->n++] = x;
}

static const struct gx *
of_parts(struct gbuild *b, enum gx_kind kind, const struct gx_list *l)
{
	struct gx *x;

	if (l->n == 1)
		return l->v[0];
	x = new_gx(b, kind);
	x->n = (uint32_t)l->n;
	x->u.parts = (const struct gx *const *)l->v;
	return x;
}

const struct gx *
gx_seq(struct gbuild *b, const struct gx_list *l)
{
	return l->n == 0 ? gx_empty(b) : of_parts(b, GX_SEQ, l);
}

const struct gx *
gx_alt(struct gbuild *b, const struct gx_list *l)
{
	return of_parts(b, GX_ALT, l);
}

const struct gx *
gx_seq2(struct gbuild *b, const struct gx *x, const struct gx *y)
{
	struct gx_list l = { 0 };

	gx_push(b, &l, x);
	gx_push(b, &l, y);
	return gx_seq(b, &l);
}
