/* tensor.c - sizes, names and storage of tensors. */
#include "tensor/jtensor.h"

#include <string.h>

#include "base/jmem.h"
#include "tensor/jquant.h"

/* values and bytes of a block, ggml's number or -1 */
static const struct {
	const char *name;
	int values, bytes, ggml;
} types[JDT_COUNT] = {
	[JDT_F32] = { "F32", 1, 4, 0 },
	[JDT_F16] = { "F16", 1, 2, 1 },
	[JDT_BF16] = { "BF16", 1, 2, 30 },
	[JDT_F64] = { "F64", 1, 8, 28 },
	[JDT_F8_E4M3] = { "F8_E4M3", 1, 1, -1 },
	[JDT_F8_E5M2] = { "F8_E5M2", 1, 1, -1 },
	[JDT_I8] = { "I8", 1, 1, 24 },
	[JDT_I16] = { "I16", 1, 2, 25 },
	[JDT_I32] = { "I32", 1, 4, 26 },
	[JDT_I64] = { "I64", 1, 8, 27 },
	[JDT_U8] = { "U8", 1, 1, -1 },
	[JDT_U16] = { "U16", 1, 2, -1 },
	[JDT_U32] = { "U32", 1, 4, -1 },
	[JDT_U64] = { "U64", 1, 8, -1 },
	[JDT_BOOL] = { "BOOL", 1, 1, -1 },
	[JDT_Q4_0] = { "Q4_0", 32, 18, 2 },
	[JDT_Q4_1] = { "Q4_1", 32, 20, 3 },
	[JDT_Q5_0] = { "Q5_0", 32, 22, 6 },
	[JDT_Q5_1] = { "Q5_1", 32, 24, 7 },
	[JDT_Q8_0] = { "Q8_0", 32, 34, 8 },
	[JDT_Q8_1] = { "Q8_1", 32, 36, 9 },
	[JDT_Q2_K] = { "Q2_K", 256, 84, 10 },
	[JDT_Q3_K] = { "Q3_K", 256, 110, 11 },
	[JDT_Q4_K] = { "Q4_K", 256, 144, 12 },
	[JDT_Q5_K] = { "Q5_K", 256, 176, 13 },
	[JDT_Q6_K] = { "Q6_K", 256, 210, 14 },
	[JDT_Q8_K] = { "Q8_K", 256, 292, 15 },
	[JDT_IQ1_S] = { "IQ1_S", 256, 50, 19 },
	[JDT_IQ1_M] = { "IQ1_M", 256, 56, 29 },
	[JDT_IQ2_XXS] = { "IQ2_XXS", 256, 66, 16 },
	[JDT_IQ2_XS] = { "IQ2_XS", 256, 74, 17 },
	[JDT_IQ2_S] = { "IQ2_S", 256, 82, 22 },
	[JDT_IQ3_XXS] = { "IQ3_XXS", 256, 98, 18 },
	[JDT_IQ3_S] = { "IQ3_S", 256, 110, 21 },
	[JDT_IQ4_NL] = { "IQ4_NL", 32, 18, 20 },
	[JDT_IQ4_XS] = { "IQ4_XS", 256, 136, 23 },
	[JDT_TQ1_0] = { "TQ1_0", 256, 54, 34 },
	[JDT_TQ2_0] = { "TQ2_0", 256, 66, 35 },
	[JDT_MXFP4] = { "MXFP4", 32, 17, 39 },
	[JDT_NVFP4] = { "NVFP4", 64, 36, 40 },
};

const char *
jdtype_name(enum jdtype d)
{
	return types[d].name;
}

unsigned
jdtype_values(enum jdtype d)
{
	return (unsigned)types[d].values;
}

unsigned
jdtype_bytes(enum jdtype d)
{
	return (unsigned)types[d].bytes;
}

int
jdtype_to_ggml(enum jdtype d)
{
	return types[d].ggml;
}

int
jdtype_from_ggml(int type)
{
	for (int d = 0; type >= 0 && d < JDT_COUNT; d++)
		if (types[d].ggml == type)
			return d;
	return -1;
}

static int
lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

int
jdtype_find(const char *name)
{
	for (int d = 0; d < JDT_COUNT; d++) {
		const char *a = types[d].name, *b = name;

		while (*a && lower(*a) == lower((unsigned char)*b)) {
			a++;
			b++;
		}
		if (!*a && !*b)
			return d;
	}
	return -1;
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
