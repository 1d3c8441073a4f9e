#include <string.h>

#include "base/jhash.h"
#include "conf/build.h"

#define FEW 16		/* up to here every key is compared with every other */

void
build_init(struct build *b, struct jarena *a, const char *name)
{
	*b = (struct build){ .arena = a, .name = name };
}

void
build_release(struct build *b)
{
	jmem_free(b->stack);
}

struct jval *
build_value(struct build *b, enum jval_type type, int line)
{
	struct jval *v = jarena_alloc(b->arena, 1, sizeof(*v));

	v->type = type;
	v->line = line;
	return v;
}

struct jval *
build_str(struct build *b, const char *p, size_t n, int line)
{
	struct jval *v = build_value(b, JVAL_STR, line);

	v->u.s.p = jarena_strndup(b->arena, p, n);
	v->u.s.n = n;
	return v;
}

void
build_push(struct build *b, const char *key, struct jval *v, int line)
{
	if (key)
		v->line = line;
	JMEM_GROW(b->stack, b->cap, b->n + 1);
	b->stack[b->n++] = (struct member){ key, v };
}

/* Index of a member whose key an earlier one has, or n. */
static size_t
duplicate_of_few(const struct jval *v)
{
	size_t i, k;

	for (i = 1; i < v->u.o.n; i++)
		for (k = 0; k < i; k++)
			if (strcmp(v->u.o.k[i], v->u.o.k[k]) == 0)
				return i;
	return v->u.o.n;
}

/* The same by a table of indices with open addressing, at most half full. */
static size_t
duplicate_of_many(const struct jval *v)
{
	size_t cap = 64, i, at, *table;
	const char *const *k = v->u.o.k;

	while (cap < 2 * v->u.o.n)
		cap *= 2;
	table = jmem_zalloc(cap, sizeof(*table));
	for (i = 0; i < v->u.o.n; i++) {
		at = (size_t)jhash64(k[i], strlen(k[i]), 0) & (cap - 1);
		while (table[at] && strcmp(k[table[at] - 1], k[i]) != 0)
			at = (at + 1) & (cap - 1);
		if (table[at])
			break;
		table[at] = i + 1;
	}
	jmem_free(table);
	return i;
}

static void
cut_object(struct build *b, struct jval *v, const struct member *m, size_t n)
{
	size_t i;

	v->u.o.n = n;
	v->u.o.k = jarena_alloc(b->arena, n, sizeof(*v->u.o.k));
	v->u.o.v = jarena_alloc(b->arena, n, sizeof(*v->u.o.v));
	for (i = 0; i < n; i++) {
		v->u.o.k[i] = m[i].key;
		v->u.o.v[i] = m[i].v;
	}
}

int
build_close(struct build *b, struct jval *v, size_t from, struct jerr *e)
{
	const struct member *m = b->stack + from;
	size_t i, n = b->n - from;

	b->n = from;
	if (n == 0)
		return 0;
	if (v->type == JVAL_OBJ) {
		cut_object(b, v, m, n);
		i = n <= FEW ? duplicate_of_few(v) : duplicate_of_many(v);
		if (i < n)
			return jerr_set(e, JERR_FORMAT, "%s:%d: the key '%.80s' is there twice",
				b->name, v->u.o.v[i]->line, v->u.o.k[i]);
		return 0;
	}
	v->u.a.n = n;
	v->u.a.v = jarena_alloc(b->arena, n, sizeof(*v->u.a.v));
	for (i = 0; i < n; i++)
		v->u.a.v[i] = m[i].v;
	return 0;
}
