/*
 * adapter_spec.c - a new adapter: what --lora says, and which weights of a model that means.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/adapter.h"
#include "model/arch.h"

static int
bad(const char *what, const char *value, struct jerr *e)
{
	return jerr_set(e, JERR_ARG, "--lora: %s, found '%.80s' (expected r=N,alpha=X,dropout=X,"
		"targets=all-linear|family|NAME+NAME,save=NAME,rslora,dora)", what, value);
}

static int
take_text(char to[256], const char *key, const char *value, struct jerr *e)
{
	if (!*value || strlen(value) >= 256)
		return bad(key, value, e);
	snprintf(to, 256, "%s", value);
	return 0;
}

static int
take_item(struct jadapter_spec *s, const char *key, const char *value, struct jerr *e)
{
	if (strcmp(key, "r") == 0)
		return jstr_to_i64(value, &s->r) < 0 || s->r < 1 || s->r > ADAPTER_MAX_RANK
			? bad("r is a number from 1", value, e) : 0;
	if (strcmp(key, "alpha") == 0)
		return jstr_to_double(value, &s->alpha) < 0 || !(fabs(s->alpha) < 1e6)
			? bad("alpha is a number", value, e) : 0;
	if (strcmp(key, "dropout") == 0)
		return jstr_to_double(value, &s->dropout) < 0 || !(s->dropout >= 0 && s->dropout < 1)
			? bad("dropout is a number from 0 to below 1", value, e) : 0;
	if (strcmp(key, "targets") == 0)
		return take_text(s->targets, "targets names weights", value, e);
	if (strcmp(key, "save") == 0)
		return take_text(s->save, "save names weights", value, e);
	if (strcmp(key, "rslora") == 0 && !*value)
		s->rslora = true;
	else if (strcmp(key, "dora") == 0 && !*value)
		s->dora = true;
	else
		return bad("no such item", key, e);
	return 0;
}

int
jadapter_spec_parse(struct jadapter_spec *s, const char *text, struct jerr *e)
{
	char one[320], *value;
	size_t n;

	*s = (struct jadapter_spec){ .r = 16, .alpha = NAN, .targets = "all-linear" };
	for (; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		if (n == 0 || n >= sizeof(one))
			return bad("an item is missing or too long", text, e);
		memcpy(one, text, n);
		one[n] = 0;
		value = strchr(one, '=');
		if (value)
			*value++ = 0;
		if (take_item(s, one, value ? value : "", e) < 0)
			return e->code;
	}
	if (isnan(s->alpha))
		s->alpha = 2 * (double)s->r;
	return 0;
}

/* What PEFT adapts where nothing is said, by architecture; others: queries and values. */
static const char *
family_targets(const struct jmodel_config *c)
{
	static const struct {
		const char *arch, *targets;
	} families[] = {
		{ "gpt2", "c_attn" }, { "phi3", "qkv_proj" },
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strcmp(jmodel_arch_name(c), families[i].arch) == 0)
			return families[i].targets;
	return "q_proj+v_proj";
}

/* "X" of a parameter "X.weight" that is a matrix, else false. */
static bool
module_of(const struct jparam *p, char out[128])
{
	size_t n = strlen(p->name);

	if (p->n_dims != 2 || !jstr_ends(p->name, ".weight"))
		return false;
	memcpy(out, p->name, n - 7);
	out[n - 7] = 0;
	return true;
}

struct build {
	struct jadapter *a;
	const struct jadapter_spec *s;
	const char *targets;		/* patterns, or NULL: all linear layers */
	struct adapter_part *parts;
	size_t n, cap;
	const char **names;		/* last parts of the modules taken */
	size_t n_names, cap_names;
	bool short_names;		/* these name no module that was not taken */
};

static void
add_part(struct build *b, const char *module, int kind, int n_dims, int64_t rows, int64_t cols)
{
	JMEM_GROW(b->parts, b->cap, b->n + 1);
	b->parts[b->n++] = (struct adapter_part){ .module = module, .kind = kind, .n_dims = n_dims,
		.shape = { rows, cols }, .dtype = JDT_F32, .parts = 1 };
}

/* The pair just added is a stack of so many experts. */
static void
make_stack(struct build *b, int64_t experts)
{
	struct adapter_part *a = &b->parts[b->n - 2];

	a[0].stack = a[1].stack = JADAPTER_EACH;
	a[0].parts = a[1].parts = experts;
	a[0].shape[0] *= experts;
}

static void
add_module(struct build *b, const char *name, const struct jparam *w, bool look_up)
{
	const char *module = jarena_strndup(&b->a->arena, name, strlen(name));
	int64_t in = look_up ? w->shape[0] : w->shape[1], r = b->s->r;
	int64_t out = look_up ? w->shape[1] : w->shape[0];

	add_part(b, module, PART_A, 2, look_up ? in : r, look_up ? r : in);
	add_part(b, module, PART_B, 2, out, r);
	if (b->s->dora)
		add_part(b, module, PART_M, 1, out, 1);
	JMEM_GROW(b->names, b->cap_names, b->n_names + 1);
	b->names[b->n_names++] = module;
}

static bool
is_linear(const struct jmodel *m, const struct jparam *p, const char *module)
{
	return p != &m->params[0] && strcmp(module, "lm_head") != 0 && !adapter_is_table(module);
}

static bool
wanted(const struct build *b, const struct jmodel *m, const struct jparam *p, const char *module)
{
	return b->targets ? adapter_named(b->targets, module)
		: is_linear(m, p, module);
}

static int
take_modules(struct build *b, struct jmodel *m, struct jerr *e)
{
	char module[128];

	for (size_t i = 0; i < m->n_params; i++) {
		struct jparam *p = &m->params[i];
		bool look_up, stack;

		if (!module_of(p, module) || !wanted(b, m, p, module))
			continue;
		look_up = adapter_is_table(module);
		stack = m->cfg.experts > 0 && adapter_is_stack(module);
		if (b->s->dora && stack)
			return jerr_set(e, JERR_UNSUPPORTED, "--lora: DoRA on %s, the experts, is not "
				"offered: leave them out with targets=, or leave out dora", module);
		add_module(b, module, p, look_up);
		if (stack)
			make_stack(b, m->cfg.experts);
	}
	if (m->cfg.tied && b->targets && adapter_named(b->targets, "lm_head"))
		add_module(b, "lm_head", &m->params[0], false);
	if (b->n_names == 0)
		return jerr_set(e, JERR_ARG, "--lora: no linear layer of the %s model is named '%s'; "
			"names are like '%s'", jmodel_arch_name(&m->cfg), b->s->targets,
			m->n_params > 2 ? m->params[2].name : "");
	return 0;
}

static bool
taken(const struct build *b, const char *module)
{
	for (size_t i = 0; i < b->n_names; i++)
		if (strcmp(b->names[i], module) == 0)
			return true;
	return false;
}

/* Of stacks the paths of their experts, which are what PEFT has as modules. */
static void
name_experts(struct build *b, int64_t experts)
{
	size_t n = b->n_names;
	char path[160], number[24];

	for (size_t i = 0; experts > 0 && i < n; i++) {
		const char *stack = b->names[i];

		for (int64_t k = 0; adapter_is_stack(stack) && k < experts; k++) {
			snprintf(number, sizeof(number), "%lld", (long long)k);
			adapter_expert_path(path, stack, number);
			if (k > 0)
				JMEM_GROW(b->names, b->cap_names, b->n_names + 1);
			b->names[k > 0 ? b->n_names++ : i] =
				jarena_strndup(&b->a->arena, path, strlen(path));
		}
	}
}

/* target_modules: last parts of the names, where these mean the same modules, else whole names. */
static void
put_targets(struct build *b, const struct jmodel *m)
{
	char module[128];
	bool whole = false;
	struct jbuf out;
	size_t i, j;

	for (i = 0; i < m->n_params && !whole; i++) {
		if (!module_of(&m->params[i], module) || taken(b, module))
			continue;
		for (j = 0; j < b->n_names && !whole; j++)
			whole = strcmp(adapter_last_part(module), adapter_last_part(b->names[j])) == 0;
	}
	for (j = 0; j < b->n_names && !whole; j++)
		b->names[j] = adapter_last_part(b->names[j]);
	jbuf_init(&out);
	if (whole)
		name_experts(b, m->cfg.experts);
	adapter_put_names("target_modules", b->names, b->n_names, &out);
	b->a->targets = jarena_strndup(&b->a->arena, out.p, out.n);
	jbuf_release(&out);
}

static int
take_whole(struct build *b, struct jmodel *m, struct jerr *e)
{
	size_t before = b->n;

	for (size_t i = 0; *b->s->save && i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];
		const char *dot = strrchr(p->name, '.');
		char module[128];

		snprintf(module, sizeof(module), "%.*s", dot ? (int)(dot - p->name) : 0, p->name);
		if (!adapter_named(b->s->save, module))
			continue;
		if (taken(b, module))
			return jerr_set(e, JERR_ARG, "--lora: %s is both a target and saved whole",
				module);
		if (i == 0 && m->cfg.tied)
			return jerr_set(e, JERR_UNSUPPORTED, "--lora: save=%s: embedding and head "
				"share one table in this base", b->s->save);
		add_part(b, jarena_strndup(&b->a->arena, p->name, strlen(p->name)), PART_WHOLE,
			p->n_dims, p->shape[0], p->n_dims > 1 ? p->shape[1] : 1);
	}
	return *b->s->save && b->n == before
		? jerr_set(e, JERR_ARG, "--lora: save=%s names no weight", b->s->save) : 0;
}

int
jadapter_new(struct jadapter **out, struct jmodel *m, const struct jadapter_spec *s,
	struct jerr *e)
{
	struct jadapter *a = jmem_zalloc(1, sizeof(*a));
	struct build b = { .a = a, .s = s };

	jarena_init(&a->arena, 0);
	a->r = s->r;
	a->alpha = s->alpha;
	a->dropout = s->dropout;
	a->rslora = s->rslora;
	a->dora = s->dora;
	a->bias = "none";
	a->task = "CAUSAL_LM";
	a->fan_in_fan_out = strcmp(jmodel_arch_name(&m->cfg), "gpt2") == 0;
	if (strcmp(s->targets, "family") == 0)
		b.targets = family_targets(&m->cfg);
	else if (strcmp(s->targets, "all-linear") != 0)
		b.targets = s->targets;
	if (take_modules(&b, m, e) == 0 && take_whole(&b, m, e) == 0
	    && adapter_build(a, b.parts, b.n, e) == 0)
		put_targets(&b, m);
	jmem_free(b.parts);
	jmem_free(b.names);
	if (e->code < 0)
		jadapter_free(a);
	else
		*out = a;
	return e->code;
}
