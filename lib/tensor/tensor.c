/* tensor.c - sizes, names and storage of tensors. */
#include "tensor/jtensor.h"

#include <string.h>

#include "base/jmem.h"

/* values per block and bytes per block */
static const struct {
	const char *name;
	int values, bytes;
} types[] = {
	[JDT_F32] = { "F32", 1, 4 },
	[JDT_F16] = { "F16", 1, 2 },
	[JDT_BF16] = { "BF16", 1, 2 },
	[JDT_Q8_0] = { "Q8_0", 32, 34 },
	[JDT_I32] = { "I32", 1, 4 },
	[JDT_F64] = { "F64", 1, 8 },
	[JDT_I64] = { "I64", 1, 8 },
	[JDT_U8] = { "U8", 1, 1 },
};

const char *
jdtype_name(enum jdtype d)
{
	return types[d].name;
}

uint64_t
jten_bytes(enum jdtype dtype, int64_t count)
{
	return (uint64_t)count / (uint64_t)types[dtype].values * (uint64_t)types[dtype].bytes;
}

int64_t
jten_count(const struct jten *t)
{
	int64_t n = 1;

	for (int i = 0; i < t->n_dims; i++)
		n *= t->shape[i];
	return n;
}

int
jten_alloc(struct jten *t, enum jdtype dtype, int n_dims, const int64_t *shape, struct jerr *e)
{
	int64_t n = 1;

	*t = (struct jten){ .dtype = dtype, .n_dims = n_dims };
	if (n_dims < 0 || n_dims > JTEN_MAX_DIMS)
		return jerr_set(e, JERR_LIMIT, "tensor: %d dimensions, at most %d", n_dims,
			JTEN_MAX_DIMS);
	for (int i = 0; i < n_dims; i++) {
		/* 2^56 values of 8 bytes still fit in 64 bits. */
		if (shape[i] < 0 || (shape[i] > 0 && n > ((int64_t)1 << 56) / shape[i]))
			return jerr_set(e, JERR_LIMIT, "tensor: dimension %d is %lld", i,
				(long long)shape[i]);
		n *= shape[i];
		t->shape[i] = shape[i];
	}
	if (n % types[dtype].values)
		return jerr_set(e, JERR_ARG, "tensor: %lld values are not whole blocks of %s",
			(long long)n, types[dtype].name);
	t->data = jmem_try_aligned(jten_bytes(dtype, n > 0 ? n : types[dtype].values), 1);
	if (!t->data)
		return jerr_set(e, JERR_NOMEM, "tensor: no memory for %llu bytes",
			(unsigned long long)jten_bytes(dtype, n));
	t->owned = true;
	return 0;
}

void
jten_release(struct jten *t)
{
	if (t->owned)
		jmem_free(t->data);
	memset(t, 0, sizeof(*t));
}
