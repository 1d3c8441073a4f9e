/*
 * adapter_save.c - adapter folders written as PEFT has them.
 */
#include <stdio.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "model/adapter.h"

bool
adapter_is_stack(const char *module)
{
	return strstr(module, ".experts.") != NULL;
}

void
adapter_expert_path(char out[160], const char *module, const char *number)
{
	const char *at = strstr(module, ".experts.");

	if (at)
		snprintf(out, 160, "%.*s.experts.%.20s.%.100s", (int)(at - module > 100 ? 100 : at - module),
			module, number, at + 9);
	else
		snprintf(out, 160, "%.150s", module);
}

/* Adds the names of a module: of experts that stand one by one all of them. */
static size_t
add_names(const struct jadapter_module *m, const char **names, struct jarena *a)
{
	char path[160], number[24];

	if (m->stack != JADAPTER_EACH) {
		names[0] = m->name;
		return 1;
	}
	for (int64_t k = 0; k < m->parts; k++) {
		snprintf(number, sizeof(number), "%lld", (long long)k);
		adapter_expert_path(path, m->name, number);
		names[k] = jarena_strndup(a, path, strlen(path));
	}
	return (size_t)m->parts;
}

void
adapter_name_targets(struct jadapter *a)
{
	size_t most = 1, i, n;
	const char **names;
	struct jbuf b;

	for (i = 0; i < a->n_modules; i++)
		most += (size_t)a->modules[i].parts;
	names = jmem_alloc(most, sizeof(*names));
	jbuf_init(&b);
	for (int fused = 0; fused < 2; fused++) {
		for (i = n = 0; i < a->n_modules; i++)
			if ((a->modules[i].stack == JADAPTER_FUSED) == fused)
				n += add_names(&a->modules[i], names + n, &a->arena);
		if (n > 0 || !fused)
			adapter_put_names(fused ? "target_parameters" : "target_modules", names, n, &b);
	}
	a->targets = jarena_strndup(&a->arena, b.p, b.n);
	jbuf_release(&b);
	jmem_free(names);
}

struct walk {
	const struct jadapter *a;
	int (*fn)(const struct adapter_out *o, void *arg, struct jerr *e);
	void *arg;
	struct jerr *e;
};

/* A plain tensor, as it is in memory but for tables. */
static int
put_one(const struct walk *k, const struct jparam *p)
{
	struct adapter_out o = { .p = p, .rows = p->shape[0], .parts = 1,
		.turned = jstr_ends(p->name, ".lora_embedding_A") };

	snprintf(o.name, sizeof(o.name), "%s", p->name);
	o.shape[0] = p->shape[o.turned];
	o.shape[1] = p->shape[!o.turned];
	return k->fn(&o, k->arg, k->e);
}

/* One tensor for each expert of A or of B. */
static int
put_each(const struct walk *k, const struct jadapter_module *m, const struct jparam *p, const char *end)
{
	struct adapter_out o = { .p = p, .rows = p->shape[0] / m->parts, .parts = 1 };
	char path[160], number[24];
	int rc = 0;

	o.shape[0] = o.rows;
	o.shape[1] = p->shape[1];
	for (int64_t x = 0; rc == 0 && x < m->parts; x++) {
		snprintf(number, sizeof(number), "%lld", (long long)x);
		adapter_expert_path(path, m->name, number);
		snprintf(o.name, sizeof(o.name), ADAPTER_PREFIX "%.120s%s", path, end);
		o.first = x * o.rows;
		rc = k->fn(&o, k->arg, k->e);
	}
	return rc;
}

/* Is another parameter of the same experts adapted too? */
static bool
has_sibling(const struct jadapter *a, const struct jadapter_module *m, size_t head)
{
	for (size_t i = 0; i < a->n_modules; i++)
		if (strncmp(a->modules[i].name, m->name, head) == 0
		    && a->modules[i].stack == JADAPTER_FUSED
		    && strcmp(a->modules[i].name, m->name) != 0)
			return true;
	return false;
}

/* Both tensors of a fused parameter; where two are adapted, PEFT wraps the first in the second. */
static int
put_fused(const struct walk *k, const struct jadapter_module *m)
{
	size_t head = (size_t)(strrchr(m->name, '.') - m->name) + 1;
	const char *in = m->half && has_sibling(k->a, m, head) ? ".base_layer" : "";
	struct adapter_out o = { .p = m->a, .rows = m->a->shape[0], .parts = 1 };
	int64_t O = m->b->shape[0] / m->parts;

	o.shape[0] = m->a->shape[0];
	o.shape[1] = m->a->shape[1];
	snprintf(o.name, sizeof(o.name), ADAPTER_PREFIX "%.*s%s.lora_A.weight", (int)head - 1, m->name, in);
	if (k->fn(&o, k->arg, k->e) < 0)
		return k->e->code;
	o.p = m->b;
	o.high = m->half ? m[1].b : NULL;
	o.parts = m->parts;
	o.shape[0] = m->half ? 2 * O : O;
	o.shape[1] = m->parts * m->r;
	snprintf(o.name, sizeof(o.name), ADAPTER_PREFIX "%.*s%s.lora_B.weight", (int)head - 1, m->name, in);
	return k->fn(&o, k->arg, k->e);
}

static int
put_module(const struct walk *k, const struct jadapter_module *m)
{
	if (m->stack == JADAPTER_FUSED)
		return m->half == 2 ? 0 : put_fused(k, m);
	if (m->stack == JADAPTER_EACH)
		return put_each(k, m, m->a, ".lora_A.weight") < 0 ? k->e->code
			: put_each(k, m, m->b, ".lora_B.weight");
	if (put_one(k, m->a) < 0 || put_one(k, m->b) < 0)
		return k->e->code;
	return m->m ? put_one(k, m->m) : 0;
}

int
adapter_each_out(const struct jadapter *a,
	int (*fn)(const struct adapter_out *o, void *arg, struct jerr *e), void *arg, struct jerr *e)
{
	const struct walk k = { a, fn, arg, e };
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < a->n_modules; i++)
		rc = put_module(&k, &a->modules[i]);
	for (i = a->n_params - a->n_whole; rc == 0 && i < a->n_params; i++)
		rc = put_one(&k, &a->params[i]);
	return rc;
}

struct save {
	const struct jadapter *a;
	struct jst_writer *w;
};

static int
declare(const struct adapter_out *o, void *arg, struct jerr *e)
{
	const struct save *s = arg;

	(void)e;
	jst_declare(s->w, o->name, s->a->dtypes[o->p - s->a->params], o->p->n_dims, o->shape);
	return 0;
}

/* [E * O, r] of one weight, or of both, as the file's [O, r * E]. */
static void
join_fused(float *to, const struct adapter_out *o)
{
	int64_t E = o->parts, K = o->p->shape[1], O = o->p->shape[0] / E;

	for (int half = 0; half < (o->high ? 2 : 1); half++) {
		const float *from = half ? o->high->value : o->p->value;

		for (int64_t i = 0; i < E * O * K; i++)
			to[(half * O + i / K % O) * K * E + i % K * E + i / K / O] = from[i];
	}
}

static int
put(const struct adapter_out *o, void *arg, struct jerr *e)
{
	const struct save *s = arg;
	int64_t cols = o->p->n_dims > 1 ? o->p->shape[1] : 1;
	uint64_t n = (uint64_t)o->shape[0] * (uint64_t)(o->p->n_dims > 1 ? o->shape[1] : 1);
	float *tmp;

	if (!o->turned && !(o->parts > 1 || o->high))
		return jst_put_f32(s->w, o->p->value + o->first * cols, n, e);
	tmp = jmem_try((size_t)n, sizeof(*tmp));
	if (!tmp)
		return jerr_set(e, JERR_NOMEM, "no memory to write %s", o->name);
	if (o->turned)
		adapter_transpose(tmp, o->p->value, o->p->shape[0], o->p->shape[1]);
	else
		join_fused(tmp, o);
	jst_put_f32(s->w, tmp, n, e);
	jmem_free(tmp);
	return e->code;
}

static int
save_tensors(const struct jadapter *a, const char *path, struct jerr *e)
{
	struct save s = { .a = a };

	if (jst_create(&s.w, path, e) < 0)
		return e->code;
	adapter_put_mark(&a->mark, s.w);
	adapter_each_out(a, declare, &s, e);
	if (adapter_each_out(a, put, &s, e) < 0) {
		jst_abort(s.w);
		return e->code;
	}
	return jst_commit(s.w, e);
}

int
jadapter_save(const struct jadapter *a, const char *dir, struct jerr *e)
{
	struct jarena arena;
	struct jbuf b;

	jarena_init(&arena, 0);
	jbuf_init(&b);
	if (save_tensors(a, jfs_join(&arena, dir, ADAPTER_PEFT_FILE), e) == 0) {
		adapter_config_json(a, &b);
		jout_put(jfs_join(&arena, dir, ADAPTER_CONFIG_FILE), b.p, b.n, e);
	}
	jbuf_release(&b);
	jarena_release(&arena);
	return e->code;
}
