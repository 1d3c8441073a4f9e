/* kern.c - which table of kernels this machine uses. */
#include "tensor/kern.h"

#include "base/jsys.h"

/* Best first. */
static const struct jkern *const tables[] = {
#if defined(__x86_64__)
	&jkern_avx512,
	&jkern_avx2,
#endif
	&jkern_generic,
	NULL
};

const struct jkern *
jkern_get(void)
{
	unsigned have = jsys_features();
	size_t i = 0;

	while (tables[i]->features & ~have)
		i++;
	return tables[i];
}

/* Best first. */
static const struct jkern *const bf16_tables[] = {
#if defined(__x86_64__)
	&jkern_amx, &jkern_avx512bf16, &jkern_rounded_avx512, &jkern_rounded_avx2,
#endif
	&jkern_rounded_generic
};

const struct jkern *
jkern_bf16(void)
{
	unsigned have = jsys_features();
	size_t i = 0;

	while (bf16_tables[i]->features & ~have)
		i++;
	return bf16_tables[i];
}

const struct jkern *
jkern_f32(void)
{
#if defined(__x86_64__)
	if (!(jkern_amx3.features & ~jsys_features()))
		return &jkern_amx3;
#endif
	return jkern_get();
}

bool
jkern_bf16_fast(void)
{
	return jkern_bf16()->pairs;
}

const struct jkern *const *
jkern_all(void)
{
	unsigned have = jsys_features();
	size_t i = 0;

	while (tables[i]->features & ~have)
		i++;
	return &tables[i];
}
