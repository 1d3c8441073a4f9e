/*
 * mix.c - which type a tensor gets, by its GGUF name: the rules of llama.cpp's llama-quantize, so that
 * a file of ours has the size and quality that its name promises.
 */
#include "model/mix.h"

#include <string.h>

#include "base/jstr.h"
#include "tensor/jquant.h"

/* The tensors that a mixture singles out. */
enum part { P_OTHER, P_OUTPUT, P_VALUE, P_FUSED_QKV, P_DOWN };

struct jmix {
	const char *name;
	uint32_t file_type;		/* llama.cpp's number */
	enum jdtype base;
	enum jdtype output;		/* of the head, or of the tied table */
	/* attn_v and ffn_down where more bits pay, and in the first layers; base where not said */
	enum jdtype more, early_value, early_down, fused;
};

#define SAME(name, type, t) { name, type, t, t, t, t, t, t }
static const struct jmix mixes[] = {
	SAME("f32", 0, JDT_F32),
	SAME("f16", 1, JDT_F16),
	SAME("bf16", 32, JDT_BF16),
	SAME("q8_0", 7, JDT_Q8_0),
	{ "q4_0", 2, JDT_Q4_0, JDT_Q6_K, JDT_Q4_0, JDT_Q4_0, JDT_Q4_0, JDT_Q4_0 },
	{ "q4_1", 3, JDT_Q4_1, JDT_Q6_K, JDT_Q4_1, JDT_Q4_1, JDT_Q4_1, JDT_Q4_1 },
	{ "q5_0", 8, JDT_Q5_0, JDT_Q6_K, JDT_Q5_0, JDT_Q5_0, JDT_Q5_0, JDT_Q5_0 },
	{ "q5_1", 9, JDT_Q5_1, JDT_Q6_K, JDT_Q5_1, JDT_Q5_1, JDT_Q5_1, JDT_Q5_1 },
	{ "q4_k_s", 14, JDT_Q4_K, JDT_Q6_K, JDT_Q4_K, JDT_Q5_K, JDT_Q5_K, JDT_Q4_K },
	{ "q4_k_m", 15, JDT_Q4_K, JDT_Q6_K, JDT_Q6_K, JDT_Q4_K, JDT_Q4_K, JDT_Q5_K },
	{ "q5_k_s", 16, JDT_Q5_K, JDT_Q6_K, JDT_Q5_K, JDT_Q5_K, JDT_Q5_K, JDT_Q5_K },
	{ "q5_k_m", 17, JDT_Q5_K, JDT_Q6_K, JDT_Q6_K, JDT_Q5_K, JDT_Q5_K, JDT_Q6_K },
	{ "q6_k", 18, JDT_Q6_K, JDT_Q6_K, JDT_Q6_K, JDT_Q6_K, JDT_Q6_K, JDT_Q6_K },
};

const char *const jmix_names = "f32|f16|bf16|q8_0|q4_0|q4_1|q5_0|q5_1|q4_k_s|q4_k_m|q5_k_s|q5_k_m|q6_k";

const struct jmix *
jmix_find(const char *name)
{
	for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++)
		if (strcmp(mixes[i].name, name) == 0)
			return &mixes[i];
	return NULL;
}

const char *
jmix_name(const struct jmix *x)
{
	return x->name;
}

bool
jmix_quantizes(const struct jmix *x)
{
	return jdtype_is_block(x->base);
}

uint32_t
mix_file_type(const struct jmix *x)
{
	return x->file_type;
}

static enum part
part_of(const struct mix_tensor *t)
{
	if (strcmp(t->name, "output.weight") == 0 ||
	    (t->tied && strcmp(t->name, "token_embd.weight") == 0))
		return P_OUTPUT;
	if (jstr_ends(t->name, ".attn_v.weight"))
		return P_VALUE;
	if (jstr_ends(t->name, ".attn_qkv.weight"))
		return P_FUSED_QKV;
	return strstr(t->name, ".ffn_down") ? P_DOWN : P_OTHER;
}

/* The first and the last eighth of the layers, and every third between. */
static bool
more_bits(int64_t i, int64_t n)
{
	return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

static enum jdtype
wanted(const struct jmix *x, const struct mix_tensor *t)
{
	switch (part_of(t)) {
	case P_OUTPUT:
		return x->output;
	case P_FUSED_QKV:
		return x->fused;
	case P_VALUE:
		if (x->more != x->base && more_bits(t->layer, t->layers))
			return x->more;
		return t->layer < 4 ? x->early_value : x->base;
	case P_DOWN:
		if (x->more != x->base && more_bits(t->layer, t->layers))
			return x->more;
		return t->layer < t->layers / 8 ? x->early_down : x->base;
	case P_OTHER:
		break;
	}
	return x->base;
}

static bool
stays_f32(const struct mix_tensor *t)
{
	return t->n_dims < 2 || !jstr_ends(t->name, ".weight") || strstr(t->name, "_norm.") ||
		strstr(t->name, "ffn_gate_inp.") || strcmp(t->name, "position_embd.weight") == 0 ||
		strcmp(t->name, "token_types.weight") == 0;
}

/* A type whose blocks fit the rows. */
static enum jdtype
fitting(enum jdtype d, int64_t cols, bool output)
{
	if (cols % jdtype_values(d) == 0)
		return d;
	if (output)
		d = JDT_Q8_0;
	else if (d == JDT_Q4_K)
		d = JDT_Q5_0;
	else if (d == JDT_Q5_K)
		d = JDT_Q5_1;
	else if (d == JDT_Q6_K)
		d = JDT_Q8_0;
	return cols % jdtype_values(d) == 0 ? d : JDT_F16;
}

enum jdtype
mix_type(const struct jmix *x, const struct mix_tensor *t, bool *fell_back)
{
	enum jdtype want, d;

	*fell_back = false;
	if (stays_f32(t))
		return JDT_F32;
	want = wanted(x, t);
	d = fitting(want, t->cols, part_of(t) == P_OUTPUT);
	*fell_back = d != want;
	return d;
}
