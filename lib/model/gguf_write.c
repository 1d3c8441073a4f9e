/*
 * Models into GGUF as llama.cpp expects them: keys of the architecture, vectors in F32, rotary rows
 * interleaved where the architecture wants that, no output.weight when tied.
 */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

#include "io/jgguf.h"
#include "model/jweights.h"
#include "model/mix.h"
#include "tensor/jquant.h"

struct writer {
	const struct jmodel *m;
	struct jgguf_writer *w;
	struct jmodel_gguf *o;
	unsigned char *raw;	/* encoded rows, ENCODE_BYTES and at least one row */
	float *rows;		/* one row in fp32 for each worker */
};

/* How much is encoded before it is written. */
#define ENCODE_BYTES ((size_t)8 << 20)

static enum jdtype
slot_dtype(const struct writer *w, const struct arch_slot *s, bool *fell_back)
{
	const struct jparam *p = &w->m->params[s->i];
	struct mix_tensor t = {
		.name = s->gguf, .n_dims = s->n_dims, .cols = p->shape[p->n_dims - 1],
		.layer = s->layer, .layers = w->m->cfg.layers, .tied = w->m->cfg.tied
	};

	return mix_type(w->o->mix, &t, fell_back);
}

void
gguf_put_int(const struct jmodel_config *c, struct jgguf_writer *w, const char *key, int64_t v)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", c->arch->gguf, key);
	jgguf_put_u32(w, name, (uint32_t)v);
}

void
gguf_put_num(const struct jmodel_config *c, struct jgguf_writer *w, const char *key, double v)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", c->arch->gguf, key);
	jgguf_put_f32(w, name, (float)v);
}

void
gguf_put_bool(const struct jmodel_config *c, struct jgguf_writer *w, const char *key, bool v)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", c->arch->gguf, key);
	jgguf_put_bool(w, name, v);
}

static void
put_size_label(struct jgguf_writer *w, uint64_t count)
{
	char label[32];
	double n = (double)count;

	if (n >= 1e9)
		snprintf(label, sizeof(label), "%.1fB", n / 1e9);
	else if (n >= 1e6)
		snprintf(label, sizeof(label), "%.0fM", n / 1e6);
	else
		snprintf(label, sizeof(label), "%.0fK", n / 1e3);
	jgguf_put_str(w, "general.size_label", label, strlen(label));
}

static void
put_rope(const struct jmodel_config *c, struct jgguf_writer *w)
{
	const char *type = jmodel_rope_name(c);
	char key[96];

	gguf_put_int(c, w, "rope.dimension_count", c->rope_dim);
	gguf_put_num(c, w, "rope.freq_base", c->rope_theta);
	if (c->rope_type == JMODEL_ROPE_LINEAR || c->rope_type == JMODEL_ROPE_YARN) {
		snprintf(key, sizeof(key), "%s.rope.scaling.type", c->arch->gguf);
		jgguf_put_str(w, key, type, strlen(type));
		gguf_put_num(c, w, "rope.scaling.factor", c->rope_factor);
	}
	if (c->rope_type == JMODEL_ROPE_LONG)
		gguf_put_num(c, w, "rope.scaling.attn_factor", jmodel_rope_attention(c));
	if (c->rope_original > 0 && c->rope_type != JMODEL_ROPE_LLAMA3)
		gguf_put_int(c, w, "rope.scaling.original_context_length", c->rope_original);
	if (c->rope_beta_fast > 0)
		gguf_put_num(c, w, "rope.scaling.yarn_beta_fast", c->rope_beta_fast);
	if (c->rope_beta_slow > 0)
		gguf_put_num(c, w, "rope.scaling.yarn_beta_slow", c->rope_beta_slow);
}

static void
put_general(struct writer *w, const char *name)
{
	const char *arch = w->m->cfg.arch->gguf;

	jgguf_put_str(w->w, "general.architecture", arch, strlen(arch));
	jgguf_put_str(w->w, "general.type", "model", 5);
	jgguf_put_str(w->w, "general.name", name, strlen(name));
	put_size_label(w->w, w->m->count);
	jgguf_put_u32(w->w, "general.file_type", mix_file_type(w->o->mix));
	jgguf_put_u32(w->w, "general.quantization_version", 2);
}

static void
put_keys(const struct jmodel_config *c, struct jgguf_writer *w)
{
	gguf_put_int(c, w, "vocab_size", c->vocab_size);
	gguf_put_int(c, w, "context_length", c->context);
	gguf_put_int(c, w, "embedding_length", c->hidden);
	gguf_put_int(c, w, "block_count", c->layers);
	gguf_put_int(c, w, "feed_forward_length", c->ffn);
	gguf_put_int(c, w, "attention.head_count", c->heads);
	gguf_put_num(c, w, c->arch->layer_norm ? "attention.layer_norm_epsilon"
		: "attention.layer_norm_rms_epsilon", c->norm_eps);
	if (!c->arch->layer_norm) {
		gguf_put_int(c, w, "attention.head_count_kv", c->kv_heads);
		gguf_put_int(c, w, "attention.key_length", c->head_dim);
		gguf_put_int(c, w, "attention.value_length", c->head_dim);
	}
	if (c->window > 0)
		gguf_put_int(c, w, "attention.sliding_window", c->window);
	if (c->experts > 0) {
		gguf_put_int(c, w, "expert_count", c->experts);
		gguf_put_int(c, w, "expert_used_count", c->experts_used);
		gguf_put_int(c, w, "expert_feed_forward_length", c->expert_ffn);
	}
	if (!c->arch->no_rotary)
		put_rope(c, w);
}

/* What GGUF and llama.cpp have no word for. */
static int
check_keys(const struct jmodel_config *c, struct jerr *e)
{
	struct jmodel_config plain = *c;
	bool other = c->act != c->arch->act;

	plain.rope_attention = 0;
	if (c->rope_type == JMODEL_ROPE_YARN)
		other |= c->rope_exact || jmodel_rope_attention(c) != jmodel_rope_attention(&plain) ||
			c->rope_mscale_all > 0;
	if (c->rope_type == JMODEL_ROPE_LLAMA3 || c->rope_type == JMODEL_ROPE_LINEAR)
		other |= c->rope_attention > 0 && c->rope_attention != 1;
	if (c->window > 0 && !c->arch->window)
		return jerr_set(e, JERR_UNSUPPORTED, "GGUF has no %s with a sliding window",
			c->arch->name);
	return other ? jerr_set(e, JERR_UNSUPPORTED, "GGUF cannot say this %s model's activation or "
		"rotary scaling", c->arch->name) : 0;
}

/* Lists of divisors of the rotary frequencies, as tensors. */
static const char *const divisor_names[] = {
	"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"
};

static bool
has_divisors(const struct jmodel_config *c, int which)
{
	return c->rope_type == (which == 0 ? JMODEL_ROPE_LLAMA3 : JMODEL_ROPE_LONG);
}

static int
write_divisors(struct writer *w, int which, struct jerr *e)
{
	float divisor[512];

	rope_divisors(&w->m->cfg, which == 1, divisor);
	return jgguf_data(w->w, divisor, (size_t)w->m->cfg.rope_dim / 2 * sizeof(divisor[0]), e);
}

static int
declare(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct writer *w = arg;
	bool fell_back;
	enum jdtype d = slot_dtype(w, s, &fell_back);
	int64_t dims[3] = { s->n_dims == 2 ? s->shape[1] : s->shape[0], s->shape[0] / s->parts,
		s->parts };

	(void)e;
	w->o->fallbacks += fell_back;
	jgguf_add_tensor(w->w, s->gguf, s->w->flags & AW_EXPERTS ? 3 : s->n_dims, dims, jdtype_to_ggml(d),
		jten_bytes(d, s->shape[0] * s->shape[1]));
	return 0;
}

int
jmodel_gguf_header(const struct jmodel *m, struct jgguf_writer *gw, struct jmodel_gguf *o,
	struct jerr *e)
{
	struct writer w = { .m = m, .w = gw, .o = o };
	int64_t half = m->cfg.rope_dim / 2;

	o->fallbacks = o->blind = 0;
	if (check_keys(&m->cfg, e) < 0)
		return e->code;
	put_general(&w, o->name);
	put_keys(&m->cfg, gw);
	if (m->cfg.arch->gguf_write && m->cfg.arch->gguf_write(&m->cfg, gw, e) < 0)
		return e->code;
	for (int i = 0; i < 3; i++)
		if (has_divisors(&m->cfg, i))
			jgguf_add_tensor(gw, divisor_names[i], 1, &half, 0, (uint64_t)half * 4);
	return arch_each(&m->cfg, declare, &w, e);
}

/* Some rows of one tensor on their way to the file. */
struct rows {
	const struct writer *w;
	const struct jparam *p;
	enum jdtype d;
	bool paired;		/* the file wants neighbouring rotary pairs */
	bool above_one;		/* the file wants a vector that is one more */
	const float *importance;
	int64_t first;
};

static int64_t
source_row(const struct rows *r, int64_t row)
{
	int64_t head = r->w->m->cfg.head_dim, in = row % head;

	return r->paired ? row - in + in / 2 + in % 2 * (head / 2) : row;
}

static void
encode_row(void *arg, int64_t i, int worker)
{
	const struct rows *r = arg;
	int64_t cols = r->p->n_dims > 1 ? r->p->shape[r->p->n_dims - 1] : 1;
	int64_t row = source_row(r, r->first + i);
	uint64_t bytes = jten_bytes(r->d, cols);
	unsigned char *to = r->w->raw + (uint64_t)i * bytes;
	float *v = r->w->rows + worker * cols;

	if (!r->p->value && r->p->dtype == r->d) {
		memcpy(to, (const char *)r->p->data + (uint64_t)row * bytes, (size_t)bytes);
		return;
	}
	if (r->above_one)
		*v = r->p->value[row] + 1;
	else if (r->p->value)
		v = r->p->value + row * cols;
	else
		jmodel_rows(r->p, row, 1, v);
	if (jdtype_is_block(r->d))
		jquant_encode(to, r->d, v, cols, r->importance);
	else
		jten_from_f32(to, r->d, v, cols);
}

static int
write_tensor(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct writer *w = arg;
	struct rows r = { .w = w, .p = &w->m->params[s->i] };
	int64_t cols = s->n_dims > 1 ? s->shape[1] : 1, n = s->shape[0] * s->shape[1] / cols, step;
	bool fell_back;
	int rc = 0;

	r.d = slot_dtype(w, s, &fell_back);
	r.above_one = s->w->flags & AW_ZERO;
	r.paired = w->m->cfg.arch->gguf_permuted &&
		(s->w->flags & (AW_ROTARY_Q | AW_ROTARY_K));
	if (w->o->imatrix && jdtype_is_block(r.d)) {
		r.importance = jimatrix_find(w->o->imatrix, s->gguf, cols);
		w->o->blind += !r.importance && s->layer >= 0;
	}
	step = (int64_t)(ENCODE_BYTES / jten_bytes(r.d, cols));
	if (step < 1)
		step = 1;
	for (; rc == 0 && r.first < n; r.first += step) {
		int64_t now = n - r.first < step ? n - r.first : step;

		jpar_for(w->o->pool, now, encode_row, &r);
		rc = jgguf_data(w->w, w->raw, (size_t)jten_bytes(r.d, now * cols), e);
	}
	return rc;
}

static int
widest(const struct arch_slot *s, void *arg, struct jerr *e)
{
	int64_t *n = arg;

	(void)e;
	if (s->n_dims > 1 && s->shape[1] > *n)
		*n = s->shape[1];
	return 0;
}

int
jmodel_gguf_data(const struct jmodel *m, struct jgguf_writer *gw, struct jmodel_gguf *o,
	struct jerr *e)
{
	struct writer w = { .m = m, .w = gw, .o = o };
	int64_t n = 1;
	int rc = 0;

	arch_each(&m->cfg, widest, &n, e);
	w.rows = jmem_try((size_t)n * (size_t)jpar_size(o->pool), sizeof(*w.rows));
	w.raw = jmem_try(ENCODE_BYTES + (size_t)n * sizeof(float), 1);
	if (!w.rows || !w.raw)
		rc = jerr_set(e, JERR_NOMEM, "no memory to convert rows of %lld weights",
			(long long)n);
	for (int i = 0; rc == 0 && i < 3; i++)
		if (has_divisors(&m->cfg, i))
			rc = write_divisors(&w, i, e);
	if (rc == 0)
		rc = arch_each(&m->cfg, write_tensor, &w, e);
	jmem_free(w.rows);
	jmem_free(w.raw);
	return rc;
}
