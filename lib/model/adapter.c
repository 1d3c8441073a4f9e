/*
 * adapter.c - adapters in memory: built from a list of parts, hung on a model.
 */
#include "model/adapter.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jrand.h"
#include "model/arch.h"
#include "tensor/jquant.h"

static int64_t
part_count(const struct adapter_part *p)
{
	return p->shape[0] * (p->n_dims > 1 ? p->shape[1] : 1);
}

void
adapter_transpose(float *to, const float *from, int64_t rows, int64_t cols)
{
	jkern_get()->transpose(to, from, rows, cols, rows, cols);
}

float
adapter_scale(const struct jadapter *a, const struct jadapter_module *m)
{
	return (float)(m->alpha / (a->rslora ? sqrt((double)m->r) : (double)m->r));
}

int
adapter_tensor_name(char out[128], const struct adapter_part *p, bool look_up, struct jerr *e)
{
	static const char *const ends[2][4] = {
		{ ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector", "" },
		{ ".lora_embedding_A", ".lora_embedding_B", ".lora_magnitude_vector", "" }
	};
	static const char *const halves[3] = { "", ".gate", ".up" };	/* in memory only */

	if (snprintf(out, 128, ADAPTER_PREFIX "%s%s%s", p->module, ends[look_up][p->kind],
		halves[p->half]) >= 128)
		return jerr_set(e, JERR_LIMIT, "adapter: the module name %.100s is too long",
			p->module);
	return 0;
}

/* Tables are looked up, everything else is multiplied with. */
bool
adapter_is_table(const char *module)
{
	static const char *const tables[] = { "embed_tokens", "wte", "wpe", "word_embeddings",
		"position_embeddings", "token_type_embeddings" };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (strcmp(adapter_last_part(module), tables[i]) == 0)
			return true;
	return false;
}

static void
fill_param(struct jadapter *a, size_t i, const struct adapter_part *p, uint64_t *at)
{
	struct jparam *to = &a->params[i];

	to->n_dims = p->n_dims;
	to->shape[0] = p->shape[0];
	to->shape[1] = p->n_dims > 1 ? p->shape[1] : 1;
	to->decay = p->n_dims > 1;
	to->value = a->values + *at;
	a->dtypes[i] = p->dtype;
	*at += (uint64_t)part_count(p);
}

static void
fill_module(struct jadapter *a, size_t i, const struct adapter_part *p)
{
	struct jadapter_module *m;

	switch (p->kind) {
	case PART_A:
		m = &a->modules[a->n_modules++];
		m->name = jarena_strndup(&a->arena, p->module, strlen(p->module));
		m->look_up = adapter_is_table(p->module);
		m->stack = p->stack;
		m->parts = p->parts;
		m->r = m->look_up ? p->shape[1] : p->shape[0] / p->parts;
		m->alpha = a->alpha;
		m->a = &a->params[i];
		break;
	case PART_B:
		m = &a->modules[a->n_modules - 1];
		if (p->half == 2) {	/* shares name and A with the first */
			a->modules[a->n_modules++] = *m;
			m++;
		}
		m->half = p->half;
		m->b = &a->params[i];
		break;
	case PART_M:
		a->modules[a->n_modules - 1].m = &a->params[i];
		break;
	default:
		a->n_whole++;
	}
}

int
adapter_build(struct jadapter *a, const struct adapter_part *parts, size_t n, struct jerr *e)
{
	uint64_t at = 0;
	size_t modules = 0, i;

	for (i = 0; i < n; i++) {
		a->count += (uint64_t)part_count(&parts[i]);
		modules += parts[i].kind == PART_A || parts[i].half == 2;
	}
	a->params = jmem_try(n + 1, sizeof(*a->params));
	a->dtypes = jmem_try(n + 1, sizeof(*a->dtypes));
	a->modules = jmem_try(modules + 1, sizeof(*a->modules));
	a->values = a->count < SIZE_MAX / 16 ? jmem_map((size_t)a->count * sizeof(float) + 64) : NULL;
	if (!a->params || !a->dtypes || !a->modules || !a->values)
		return jerr_set(e, JERR_NOMEM, "no memory for an adapter of %llu weights",
			(unsigned long long)a->count);
	memset(a->params, 0, (n + 1) * sizeof(*a->params));
	memset(a->modules, 0, (modules + 1) * sizeof(*a->modules));
	a->n_params = n;
	for (i = 0; i < n; i++) {
		fill_param(a, i, &parts[i], &at);
		fill_module(a, i, &parts[i]);
		if (adapter_tensor_name(a->params[i].name, &parts[i], adapter_is_table(parts[i].module),
			e) < 0)
			return e->code;
	}
	return 0;
}

int
jadapter_alloc_grads(struct jadapter *a, struct jerr *e)
{
	size_t i, first = a->n_params - a->n_whole;

	if (!a->grads)
		a->grads = jmem_map((size_t)a->count * sizeof(float) + 64);
	if (!a->grads)
		return jerr_set(e, JERR_NOMEM, "no memory for the gradients of %llu weights",
			(unsigned long long)a->count);
	for (i = 0; i < a->n_params; i++) {
		a->params[i].grad = a->grads + (a->params[i].value - a->values);
		/* The graph reads a whole tensor through the model's own entry. */
		if (i >= first && a->whole[i - first])
			a->whole[i - first]->grad = a->params[i].grad;
	}
	return 0;
}

void
jadapter_free(struct jadapter *a)
{
	if (!a)
		return;
	if (a->values)
		jmem_unmap(a->values, (size_t)a->count * sizeof(float) + 64);
	if (a->grads)
		jmem_unmap(a->grads, (size_t)a->count * sizeof(float) + 64);
	for (size_t i = 0; i < a->n_modules; i++)
		jmem_free(a->modules[i].norm);
	for (size_t i = 0; i < a->n_copies; i++)
		jmem_free(a->copies[i].values);
	jmem_free(a->copies);
	jmem_free(a->whole);
	jmem_free(a->modules);
	jmem_free(a->params);
	jmem_free(a->dtypes);
	jarena_release(&a->arena);
	jmem_free(a);
}

void
jadapter_set_dtype(struct jadapter *a, enum jdtype dtype)
{
	for (size_t i = 0; i < a->n_params; i++)
		a->dtypes[i] = dtype;
}

bool
adapter_named(const char *list, const char *module)
{
	char one[256];
	size_t n;

	for (; *list; list += n + (list[n] == '+')) {
		n = strcspn(list, "+");
		if (n == 0 || n >= sizeof(one))
			continue;
		memcpy(one, list, n);
		one[n] = 0;
		if (fnmatch(one, module, 0) == 0 || fnmatch(one, adapter_last_part(module), 0) == 0)
			return true;
	}
	return false;
}

struct find {
	struct jmodel *m;
	const struct jadapter_module *mod;
	struct jparam *found;
};

/* By the name of the weight, by its second name, or as a part of a fused one. */
static int
find_slot(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct find *f = arg;
	const struct arch_weight *w = s->w;
	const char *name = f->mod->name;
	size_t n = strlen(name);
	bool is = strncmp(s->hf, name, n) == 0 && strcmp(s->hf + n, ".weight") == 0;
	int half = w->flags & AW_FUSED_LOW ? 1 : w->flags & AW_FUSED_HIGH ? 2 : 0;
	char other[160];

	(void)e;
	if (w->fused && s->layer >= 0) {
		snprintf(other, sizeof(other), "%s%lld.%s", f->m->cfg.arch->hf_layers,
			(long long)s->layer, w->fused);
		if (f->mod->stack == JADAPTER_FUSED)
			is = strcmp(other, name) == 0 && half == f->mod->half;
		else
			is = is || (strncmp(other, name, n) == 0 && strcmp(other + n, ".weight") == 0);
	}
	if (is && s->n_dims == 2 && s->parts == f->mod->parts)
		f->found = &f->m->params[s->i];
	return f->found != NULL;
}

struct jparam *
adapter_weight(struct jmodel *m, const struct jadapter_module *mod)
{
	struct find f = { .m = m, .mod = mod };

	if (m->cfg.tied && strcmp(mod->name, "lm_head") == 0)
		return &m->params[0];
	arch_each(&m->cfg, find_slot, &f, NULL);
	return f.found;
}

static int
no_fit(const struct jparam *p, const struct jparam *w, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "adapter: %s is [%lld, %lld], which does not fit %s "
		"[%lld, %lld]: it was trained on another base", p->name, (long long)p->shape[0],
		(long long)p->shape[1], w->name, (long long)w->shape[0], (long long)w->shape[1]);
}

static int
no_layer(const struct jadapter_module *mod, const struct jmodel *m, struct jerr *e)
{
	if (mod->stack == JADAPTER_ONE)
		return jerr_set(e, JERR_FORMAT, "adapter: the %s model has no linear layer %s",
			jmodel_arch_name(&m->cfg), mod->name);
	return jerr_set(e, JERR_FORMAT, "adapter: the %s model has no %s of %lld experts",
		jmodel_arch_name(&m->cfg), mod->name, (long long)mod->parts);
}

static int
attach_module(struct jadapter *a, struct jadapter_module *mod, struct jmodel *m, struct jerr *e)
{
	bool look_up = mod->look_up;
	struct jparam *w = adapter_weight(m, mod);
	int64_t in, out;

	if (!w)
		return no_layer(mod, m, e);
	in = look_up ? w->shape[0] : w->shape[1];
	out = look_up ? w->shape[1] : w->shape[0];
	if (mod->a->shape[look_up ? 0 : 1] != in)
		return no_fit(mod->a, w, e);
	if (mod->b->shape[0] != out)
		return no_fit(mod->b, w, e);
	if (mod->m && (mod->stack != JADAPTER_ONE || mod->m->shape[0] != out))
		return no_fit(mod->m, w, e);
	if (look_up ? w->lora_rows != NULL : w->lora != NULL)
		return jerr_set(e, JERR_ARG, "adapter: %s bears an adapter already", mod->name);
	mod->lora = (struct jlora){ .a = mod->a, .b = mod->b, .m = mod->m,
		.scale = adapter_scale(a, mod), .dropout = (float)a->dropout };
	if (look_up)
		w->lora_rows = &mod->lora;
	else
		w->lora = &mod->lora;
	return 0;
}

/* |W + scale B A|, for as long as nothing is trained. */
static int
set_norm(struct jadapter_module *mod, const struct jparam *w, struct jerr *e)
{
	float *tmp = jmem_try((size_t)w->shape[1], sizeof(*tmp));

	if (!mod->norm)
		mod->norm = jmem_try((size_t)w->shape[mod->look_up], sizeof(*mod->norm));
	if (!tmp || !mod->norm) {
		jmem_free(tmp);
		return jerr_set(e, JERR_NOMEM, "no memory for the norms of %s", w->name);
	}
	if (mod->look_up)
		jlora_column_norms(jkern_get(), w, &mod->lora, mod->norm);
	for (int64_t o = 0; !mod->look_up && o < w->shape[0]; o++)
		mod->norm[o] = jlora_row_norm(jkern_get(), w, &mod->lora, o, tmp);
	mod->lora.norm = mod->norm;
	jmem_free(tmp);
	return 0;
}

/* Is the other side of a tied table saved too, with the same values? */
static bool
both_sides(const struct jadapter *a, const struct jparam *p)
{
	size_t i;

	for (i = a->n_params - a->n_whole; i < a->n_params; i++) {
		const struct jparam *q = &a->params[i];

		if (q != p && q->n_dims == 2 && memcmp(q->shape, p->shape, sizeof(q->shape)) == 0
		    && memcmp(q->value, p->value, (size_t)(q->shape[0] * q->shape[1])
			* sizeof(float)) == 0)
			return true;
	}
	return false;
}

static int
attach_whole(struct jadapter *a, size_t i, struct jmodel *m, struct jerr *e)
{
	struct jparam *p = &a->params[i], *w;
	const char *name = p->name + strlen(ADAPTER_PREFIX);
	bool head = strcmp(name, HF_HEAD) == 0;

	w = m->cfg.tied && head ? &m->params[0] : jmodel_param(m, name);
	if (!w)
		return jerr_set(e, JERR_FORMAT, "adapter: the %s model has no weight %s",
			jmodel_arch_name(&m->cfg), name);
	if (w->n_dims != p->n_dims || w->shape[0] != p->shape[0]
	    || (w->n_dims > 1 && w->shape[1] != p->shape[1]))
		return no_fit(p, w, e);
	if (m->cfg.tied && w == &m->params[0] && !both_sides(a, p))
		return jerr_set(e, JERR_UNSUPPORTED, "adapter: %s replaces one side of a table that "
			"this base shares between embedding and head", name);
	w->value = p->value;
	w->dtype = JDT_F32;
	w->data = NULL;
	w->grad = p->grad;
	a->whole[i - (a->n_params - a->n_whole)] = w;
	return 0;
}

/* The base's weights that came with the adapter must be this base's, up to how it is stored. */
static int
check_copy(const struct jadapter_copy *c, struct jmodel *m, struct jerr *e)
{
	const struct jadapter_module as = { .name = c->module, .parts = 1 };
	const struct jparam *w = adapter_weight(m, &as);
	double apart = 0, all = 0;
	float *row;

	if (!w || w->shape[0] != c->rows || w->shape[1] != c->cols)
		return jerr_set(e, JERR_FORMAT, "adapter: it carries %s of the base, [%lld, %lld], which "
			"this base does not have: its vocabulary was changed, or it is another base",
			c->module, (long long)c->rows, (long long)c->cols);
	row = jmem_try((size_t)c->cols, sizeof(*row));
	if (!row)
		return jerr_set(e, JERR_NOMEM, "no memory for a row of %s", c->module);
	for (int64_t r = 0; r < c->rows; r++) {
		jparam_row(w, r, row);
		for (int64_t i = 0; i < c->cols; i++) {
			double d = (double)row[i] - c->values[r * c->cols + i];

			apart += d * d;
			all += (double)row[i] * row[i];
		}
	}
	jmem_free(row);
	if (jdtype_is_block(w->dtype) || sqrt(apart) <= 0.01 * sqrt(all))
		return 0;
	return jerr_set(e, JERR_FORMAT, "adapter: it carries %s of the base, which differs from this "
		"base's by %.2g of its norm: it was trained on another base", c->module,
		sqrt(apart / all));
}

int
jadapter_attach(struct jadapter *a, struct jmodel *m, struct jerr *e)
{
	size_t i;

	if (adapter_check_base(a, m, e) < 0)
		return e->code;
	for (i = 0; i < a->n_copies; i++)
		if (check_copy(&a->copies[i], m, e) < 0)
			return e->code;

	if (!a->whole)
		a->whole = jmem_zalloc(a->n_whole + 1, sizeof(*a->whole));
	for (i = a->n_params - a->n_whole; i < a->n_params; i++)
		if (attach_whole(a, i, m, e) < 0)
			return e->code;
	for (i = 0; i < a->n_modules; i++) {
		if (attach_module(a, &a->modules[i], m, e) < 0)
			return e->code;
		if (a->modules[i].m && set_norm(&a->modules[i],
			adapter_weight(m, &a->modules[i]), e) < 0)
			return e->code;
	}
	return 0;
}

static void
init_uniform(struct jparam *p, uint64_t seed, double bound)
{
	struct jrand r;

	jrand_init_str(&r, seed, p->name, strlen(p->name));
	for (int64_t i = 0; i < p->shape[0] * p->shape[1]; i++)
		p->value[i] = (float)(bound * (2 * jrand_double(&r) - 1));
}

static void
init_normal(struct jparam *p, uint64_t seed)
{
	struct jrand r;

	jrand_init_str(&r, seed, p->name, strlen(p->name));
	for (int64_t i = 0; i < p->shape[0] * p->shape[1]; i++)
		p->value[i] = (float)jrand_normal(&r);
}

int
jadapter_init(struct jadapter *a, struct jmodel *m, uint64_t seed, struct jerr *e)
{
	size_t i;
	int64_t r;

	memset(a->values, 0, (size_t)a->count * sizeof(*a->values));
	for (i = 0; i < a->n_modules; i++) {
		struct jadapter_module *mod = &a->modules[i];
		const struct jparam *w = adapter_weight(m, mod);

		if (mod->look_up)
			init_normal(mod->b, seed);
		else
			init_uniform(mod->a, seed, 1 / sqrt((double)mod->a->shape[1]));
		if (!mod->m)
			continue;
		mod->lora = (struct jlora){ .a = mod->a, .b = mod->b, .scale = 0 };
		if (set_norm(mod, w, e) < 0)
			return e->code;
		memcpy(mod->m->value, mod->norm, (size_t)mod->m->shape[0] * sizeof(float));
	}
	for (i = a->n_params - a->n_whole; i < a->n_params; i++) {
		struct jparam *p = &a->params[i];
		const struct jparam *w = jmodel_param(m, p->name + strlen(ADAPTER_PREFIX));

		if (p->n_dims == 1) {
			memcpy(p->value, w->value, (size_t)p->shape[0] * sizeof(float));
			continue;
		}
		for (r = 0; r < p->shape[0]; r++)
			jparam_row(w, r, p->value + r * p->shape[1]);
	}
	return 0;
}
