/*
 * adapter_gguf.c - an adapter as a GGUF file for llama.cpp: general.type "adapter", adapter.type
 * "lora", adapter.lora.alpha; tensors BASE.lora_a [r, I] and BASE.lora_b [O, r] under the GGUF name
 * of the weight.  Its scale is alpha / r with one alpha for all, so what our scale is beyond that is
 * multiplied into B.  Where the format has rotary pairs side by side, so has the B of queries and keys.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/jgguf.h"
#include "model/adapter.h"
#include "model/arch.h"

struct pass {
	const struct jadapter *a;
	struct jmodel *m;
	struct jgguf_writer *w;
	struct jparam **weights;	/* of each module */
	bool data;		/* second pass */
	size_t seen;
};

/* The module on a weight. */
static const struct jadapter_module *
module_of(const struct pass *p, size_t i)
{
	for (size_t k = 0; k < p->a->n_modules; k++)
		if (p->weights[k] == &p->m->params[i])
			return &p->a->modules[k];
	return NULL;
}

/* Experts have a third dimension. */
static void
declare(struct pass *p, const struct arch_slot *s, const struct jadapter_module *mod)
{
	int64_t E = mod->parts, a[3] = { mod->a->shape[1], mod->r, E };
	int64_t b[3] = { mod->r, mod->b->shape[0] / E, E };
	char name[96];

	snprintf(name, sizeof(name), "%s.lora_a", s->gguf);
	jgguf_add_tensor(p->w, name, E > 1 ? 3 : 2, a, 0, (uint64_t)(a[0] * a[1] * E) * sizeof(float));
	snprintf(name, sizeof(name), "%s.lora_b", s->gguf);
	jgguf_add_tensor(p->w, name, E > 1 ? 3 : 2, b, 0, (uint64_t)(b[0] * b[1] * E) * sizeof(float));
}

/* Row of ours that is row i of the file. */
static int64_t
row_at(const struct pass *p, const struct arch_slot *s, int64_t i)
{
	int64_t head = p->m->cfg.head_dim, in = i % head;

	if (!p->m->cfg.arch->gguf_permuted || !s->w
	    || !(s->w->flags & (AW_ROTARY_Q | AW_ROTARY_K)))
		return i;
	return i - in + in / 2 + in % 2 * (head / 2);
}

static int
write_pair(struct pass *p, const struct arch_slot *s, const struct jadapter_module *mod,
	struct jerr *e)
{
	float factor = adapter_scale(p->a, mod) / (float)(p->a->alpha / (double)mod->r);
	float *row = jmem_try((size_t)mod->r, sizeof(*row));

	if (!row)
		return jerr_set(e, JERR_NOMEM, "no memory for a row of %s", mod->name);
	jgguf_data(p->w, mod->a->value, (size_t)(mod->a->shape[0] * mod->a->shape[1]) * sizeof(float), e);
	for (int64_t o = 0; o < mod->b->shape[0] && e->code == 0; o++) {
		memcpy(row, mod->b->value + row_at(p, s, o) * mod->r, (size_t)mod->r * sizeof(*row));
		jkern_get()->scale(row, factor, mod->r);
		jgguf_data(p->w, row, (size_t)mod->r * sizeof(*row), e);
	}
	jmem_free(row);
	return e->code;
}

static int
one_weight(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct pass *p = arg;
	const struct jadapter_module *mod = module_of(p, s->i);

	if (!mod)
		return 0;
	p->seen++;
	if (p->data)
		return write_pair(p, s, mod, e);
	declare(p, s, mod);
	return 0;
}

static int
check_holds(const struct jadapter *a, struct jerr *e)
{
	if (a->dora || a->n_whole > 0)
		return jerr_set(e, JERR_UNSUPPORTED, "a GGUF adapter cannot hold %s: merge it into the "
			"base instead (jmodel merge)", a->dora ? "DoRA" : "whole tensors");
	if (a->alpha == 0)
		return jerr_set(e, JERR_UNSUPPORTED, "a GGUF adapter cannot hold lora_alpha 0");
	for (size_t i = 0; i < a->n_modules; i++)
		if (a->modules[i].look_up || strcmp(a->modules[i].name, "lm_head") == 0)
			return jerr_set(e, JERR_UNSUPPORTED, "llama.cpp takes no adapter on %s: merge "
				"it into the base instead (jmodel merge)", a->modules[i].name);
	return 0;
}

int
jadapter_save_gguf(const struct jadapter *a, struct jmodel *m, const char *path, struct jerr *e)
{
	struct pass p = { .a = a, .m = m, .weights = jmem_alloc(a->n_modules + 1, sizeof(*p.weights)) };
	const char *arch = m->cfg.arch->gguf;

	for (size_t i = 0; i < a->n_modules; i++)
		p.weights[i] = adapter_weight(m, &a->modules[i]);
	if (check_holds(a, e) < 0 || jgguf_create(&p.w, path, e) < 0) {
		jmem_free(p.weights);
		return e->code;
	}
	jgguf_put_str(p.w, "general.type", "adapter", 7);
	jgguf_put_str(p.w, "general.architecture", arch, strlen(arch));
	jgguf_put_str(p.w, "adapter.type", "lora", 4);
	jgguf_put_f32(p.w, "adapter.lora.alpha", (float)a->alpha);
	arch_each(&m->cfg, one_weight, &p, e);
	if (e->code == 0 && p.seen != a->n_modules)
		jerr_set(e, JERR_FORMAT, "%s: %zu of %zu modules are weights of this base", path,
			p.seen, a->n_modules);
	p.data = true;
	if (e->code == 0)
		arch_each(&m->cfg, one_weight, &p, e);
	jmem_free(p.weights);
	if (e->code < 0) {
		jgguf_abort(p.w);
		return e->code;
	}
	return jgguf_commit(p.w, e);
}
