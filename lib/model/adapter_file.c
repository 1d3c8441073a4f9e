/*
 * adapter_file.c - adapter folders read: PEFT's, and mlx-lm's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "model/adapter.h"

#define CONFIG_FILE ADAPTER_CONFIG_FILE
#define PEFT_FILE ADAPTER_PEFT_FILE
#define MLX_FILE "adapters.safetensors"
#define MAX_CONFIG (16u << 20)

bool
jadapter_is(const char *path)
{
	struct jarena a;
	bool is;

	jarena_init(&a, 0);
	is = jfs_is_dir(path) && jfs_exists(jfs_join(&a, path, CONFIG_FILE))
		&& !jfs_exists(jfs_join(&a, path, "config.json"));
	jarena_release(&a);
	return is;
}

static int
slurp_config(const char *dir, struct jarena *a, struct jbuf *b, struct jerr *e)
{
	const char *path = jfs_join(a, dir, CONFIG_FILE);

	if (jin_slurp(path, b, e) < 0)
		return e->code;
	return b->over ? jerr_set(e, JERR_LIMIT, "%s: over %u bytes", path, MAX_CONFIG) : 0;
}

const char *
jadapter_base(const char *dir, struct jarena *a, struct jerr *e)
{
	struct adapter_config c;
	const char *beside;
	struct jbuf b;

	jbuf_init_max(&b, MAX_CONFIG);
	if (slurp_config(dir, a, &b, e) == 0)
		adapter_config_parse(&c, b.p, b.n, jfs_join(a, dir, CONFIG_FILE), a, e);
	jbuf_release(&b);
	if (e->code < 0)
		return NULL;
	if (!c.base || !*c.base) {
		jerr_set(e, JERR_ARG, "%s: the adapter does not name its base: give the base as "
			"MODEL and the folder as --adapter", dir);
		return NULL;
	}
	if (jfs_exists(c.base))
		return c.base;
	beside = *c.base == '/' ? jarena_printf(a, "%s/../%s", dir, jfs_base(c.base))
		: jfs_join(a, dir, c.base);
	if (jfs_exists(beside))	/* also where both were moved together */
		return beside;
	jerr_set(e, JERR_IO, "%s: its base '%s' is not here: give the base as MODEL and the folder as "
		"--adapter", dir, c.base);
	return NULL;
}

/* The base, which must not be an adapter itself. */
static const char *
plain_base(const char *dir, struct jarena *a, struct jerr *e)
{
	const char *base = jadapter_base(dir, a, e);

	if (base && jadapter_is(base)) {
		jerr_set(e, JERR_UNSUPPORTED, "%s: its base %s is an adapter too: merge that one "
			"first", dir, base);
		return NULL;
	}
	return base;
}

int
adapter_config_of_base(struct jmodel_config *c, const char *dir, struct jerr *e)
{
	struct jarena a;
	const char *base;

	jarena_init(&a, 0);
	base = plain_base(dir, &a, e);
	if (base)
		jmodel_config_load(c, base, e);
	jarena_release(&a);
	return e->code;
}

int
jmodel_adapt(struct jmodel *m, const char *dir, struct jerr *e)
{
	struct jadapter *a;

	if (m->adapter)
		return jerr_set(e, JERR_ARG, "%s: the model bears an adapter already", dir);
	if (jadapter_load(&a, dir, e) < 0)
		return e->code;
	if (jadapter_attach(a, m, e) < 0) {
		jadapter_free(a);
		return jerr_wrap(e, "%s", dir);
	}
	m->adapter = a;
	return 0;
}

int
adapter_open(struct jmodel **m, const char *dir,
	int (*open)(struct jmodel **m, const char *path, struct jerr *e), struct jerr *e)
{
	struct jarena a;
	const char *base;

	jarena_init(&a, 0);
	base = plain_base(dir, &a, e);
	if (base && open(m, base, e) == 0 && jmodel_adapt(*m, dir, e) < 0) {
		jmodel_free(*m);
		*m = NULL;
	}
	jarena_release(&a);
	return e->code;
}

/* One tensor of the file: which module it belongs to and what it is there. */
struct piece {
	const struct jst_tensor *t;
	const char *module;
	int kind;
	int64_t expert;		/* its number, or -1 */
	bool fused;		/* of all experts at once */
	bool table;		/* of an embedding */
	bool turn;		/* the file has it the other way round */
};

struct reader {
	struct jadapter *a;
	struct adapter_config c;
	const char *where;		/* the file of tensors */
	struct piece *v;
	size_t n;
	struct adapter_part *parts;
	size_t *piece_of;		/* of each part */
	size_t n_parts;
};

struct ending {
	const char *end;
	int kind;
	bool table;
};
static const struct ending peft_ends[] = {
	{ ".lora_A.weight", PART_A, false }, { ".lora_B.weight", PART_B, false },
	{ ".lora_embedding_A", PART_A, true }, { ".lora_embedding_B", PART_B, true },
	{ ".lora_magnitude_vector", PART_M, false },
	{ ".lora_magnitude_vector.weight", PART_M, false }, { NULL }
};
static const struct ending mlx_ends[] = {
	{ ".lora_a", PART_A, false }, { ".lora_b", PART_B, false }, { ".m", PART_M, false }, { NULL }
};

/* Is a whole tensor of this name announced by the configuration? */
static bool
announced(const struct adapter_config *c, const char *name)
{
	char module[512];
	const char *dot = strrchr(name, '.');

	if (strcmp(c->bias, "none") != 0 && jstr_ends(name, ".bias"))
		return true;
	snprintf(module, sizeof(module), "%.*s", dot ? (int)(dot - name) : 0, name);
	for (size_t i = 0; i < c->n_save; i++)
		if (jstr_ends(module, c->save[i]))	/* PEFT asks no more of it */
			return true;
	return false;
}

/* "X.experts.3.Y" is the third of X.experts.Y; "X.experts" and "X.experts.base_layer" are fused. */
static int
name_stack(struct reader *r, struct piece *p, struct jerr *e)
{
	const char *at = strstr(p->module, ".experts."), *rest = at ? at + 9 : "";
	size_t digits = strspn(rest, "0123456789");

	if (jstr_ends(p->module, ".experts") || jstr_ends(p->module, ".experts.base_layer")) {
		p->fused = true;
		return 0;
	}
	if (!at || digits == 0 || rest[digits] != '.')
		return 0;
	if (digits > 6)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %.100s: no such expert", r->where,
			p->t->name);
	p->expert = strtol(rest, NULL, 10);
	p->module = jarena_printf(&r->a->arena, "%.*s.experts.%s", (int)(at - p->module), p->module,
		rest + digits + 1);
	return 0;
}

static int
classify(struct reader *r, struct piece *p, struct jerr *e)
{
	const char *name = p->t->name;
	const struct ending *x = r->c.mlx ? mlx_ends : peft_ends;

	if (!r->c.mlx) {
		if (!jstr_starts(name, ADAPTER_PREFIX))
			return jerr_set(e, JERR_FORMAT, "%s: tensor %.100s: expected a name that starts "
				"with " ADAPTER_PREFIX, r->where, name);
		name += strlen(ADAPTER_PREFIX);
	}
	if (strlen(name) > 100)
		return jerr_set(e, JERR_LIMIT, "%s: tensor %.100s...: the name is too long", r->where,
			name);
	for (; x->end; x++) {
		if (!jstr_ends(name, x->end) || strlen(name) == strlen(x->end))
			continue;
		p->module = jarena_strndup(&r->a->arena, name, strlen(name) - strlen(x->end));
		p->kind = x->kind;
		p->table = x->table;
		return name_stack(r, p, e);
	}
	p->module = name;
	p->kind = PART_WHOLE;
	if (!r->c.mlx && jstr_ends(name, ".base_layer.weight")) {
		p->module = jarena_strndup(&r->a->arena, name, strlen(name) - 18);
		p->kind = PART_COPY;
		return 0;
	}
	if (!announced(&r->c, name))
		return jerr_set(e, JERR_FORMAT, "%s: tensor %.100s: neither a part of a LoRA module nor "
			"named by modules_to_save or bias", r->where, p->t->name);
	return 0;
}

/* By module, A before B before the magnitude, experts by number, whole tensors last. */
static int
by_module(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;
	int whole = (a->kind >= PART_WHOLE) - (b->kind >= PART_WHOLE);
	int c = whole ? whole : strcmp(a->module, b->module);

	c = c ? c : a->kind - b->kind;
	return c ? c : (a->expert > b->expert) - (a->expert < b->expert);
}

static int
bad_shape(const struct reader *r, const struct piece *p, const char *want, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "%s: tensor %.100s: expected %s, found %d dimensions [%lld, "
		"%lld]", r->where, p->t->name, want, p->t->n_dims,
		(long long)(p->t->n_dims > 0 ? p->t->shape[0] : 0),
		(long long)(p->t->n_dims > 1 ? p->t->shape[1] : 0));
}

/* The shape of a piece in memory: A [r, I], or [V, r] of a table; B [O, r]. */
static int
add_part(struct reader *r, size_t i, struct jerr *e)
{
	struct piece *p = &r->v[i];
	struct adapter_part *to = &r->parts[r->n_parts];
	int dims = p->kind == PART_M || (p->kind == PART_WHOLE && p->t->n_dims == 1) ? 1 : 2;

	p->turn = dims == 2 && p->kind != PART_WHOLE && (r->c.mlx || (p->table && p->kind == PART_A));
	if (p->t->n_dims != dims || p->t->count < 1)
		return bad_shape(r, p, dims == 1 ? "a vector" : "a matrix", e);
	to->module = p->module;
	to->kind = p->kind;
	to->n_dims = dims;
	to->shape[0] = p->turn ? p->t->shape[1] : p->t->shape[0];
	to->shape[1] = dims == 1 ? 1 : p->turn ? p->t->shape[0] : p->t->shape[1];
	to->dtype = p->t->dtype;
	to->parts = 1;
	r->piece_of[r->n_parts++] = i;
	return 0;
}

/* The rank that the configuration gives must be that of both tensors. */
static int
check_rank(struct reader *r, const char *module, int64_t in_a, int64_t in_b, struct jerr *e)
{
	double rank = (double)r->c.r;

	if (adapter_pattern_find(&r->c.ranks, module, &rank, e) < 0)
		return e->code;
	if (in_a == (int64_t)rank && in_b == in_a)
		return 0;
	return jerr_set(e, JERR_FORMAT, "%s: module %.100s: the tensors have the ranks %lld and %lld, "
		"the configuration says %g", r->where, module, (long long)in_a, (long long)in_b, rank);
}

/* The experts of one stack: as many A as B, numbered from 0, of one shape. */
static int
check_each(struct reader *r, size_t i, size_t n, struct jerr *e)
{
	const struct piece *p = &r->v[i];
	int64_t E = (int64_t)n / 2;
	char path[160];

	for (size_t j = 0; j < n; j++) {
		const struct piece *q = &p[j], *first = &p[E > 0 && j >= (size_t)E ? E : 0];

		if (n % 2 || q->kind != (j < (size_t)E ? PART_A : PART_B)
		    || q->expert != (int64_t)j % E)
			return jerr_set(e, JERR_FORMAT, "%s: module %.100s: expected one lora_A and one "
				"lora_B for each expert, found %zu tensors", r->where, p->module, n);
		if (q->t->n_dims != 2 || q->t->count < 1 || q->t->dtype != first->t->dtype
		    || memcmp(q->t->shape, first->t->shape, 2 * sizeof(int64_t)) != 0)
			return bad_shape(r, q, "the shape of the other experts", e);
	}
	adapter_expert_path(path, p->module, "0");
	if (add_part(r, i, e) < 0 || add_part(r, i + (size_t)E, e) < 0
	    || check_rank(r, path, p->t->shape[0], p[E].t->shape[1], e) < 0)
		return e->code;
	for (size_t k = 1; k <= 2; k++) {
		struct adapter_part *to = &r->parts[r->n_parts - k];

		to->stack = JADAPTER_EACH;
		to->parts = E;
		to->shape[0] *= E;
	}
	return 0;
}

/* Which parameter of the experts a fused pair is for: PEFT nests them, the first within. */
static const char *
fused_name(struct reader *r, size_t i)
{
	const char *module = r->v[i].module;
	int n = (int)strlen(module) - (jstr_ends(module, ".base_layer") ? 11 : 0);
	bool both = n < (int)strlen(module) || (i + 2 < r->n && jstr_ends(r->v[i + 2].module,
		".base_layer") && strncmp(r->v[i + 2].module, module, (size_t)n) == 0);
	const char *down = jarena_printf(&r->a->arena, "%.*s.down_proj", n, module);

	if (both)
		return n < (int)strlen(module) ? jarena_printf(&r->a->arena, "%.*s.gate_up_proj", n, module)
			: down;
	for (size_t k = 0; k < r->c.n_parameters; k++)
		if (jstr_ends(down, r->c.parameters[k]))
			return down;
	return jarena_printf(&r->a->arena, "%.*s.gate_up_proj", n, module);
}

/* A [E * r, I]; B [O, r * E], an expert's columns E apart; gate above up. */
static int
check_fused(struct reader *r, size_t i, size_t n, struct jerr *e)
{
	const struct piece *p = &r->v[i];
	const char *name = fused_name(r, i);
	double rank = (double)r->c.r;
	bool halves = jstr_ends(name, ".gate_up_proj");
	size_t first = r->n_parts;

	if (n != 2 || p->kind != PART_A || p[1].kind != PART_B || r->c.dora)
		return jerr_set(e, JERR_FORMAT, "%s: module %.100s: expected one lora_A and one lora_B",
			r->where, p->module);
	if (add_part(r, i, e) < 0 || adapter_pattern_find(&r->c.ranks, name, &rank, e) < 0)
		return e->code;
	for (int k = 0; k < 1 + halves; k++)
		if (add_part(r, i + 1, e) < 0)
			return e->code;
	if (!(rank >= 1 && rank <= ADAPTER_MAX_RANK) || p->t->shape[0] % (int64_t)rank
	    || p[1].t->shape[1] != p->t->shape[0] || p[1].t->shape[0] % (1 + halves))
		return bad_shape(r, &p[1], "one column for each row of lora_A, these a multiple of the "
			"rank", e);
	for (size_t k = first; k < r->n_parts; k++) {
		struct adapter_part *to = &r->parts[k];

		to->module = name;
		to->stack = JADAPTER_FUSED;
		to->parts = p->t->shape[0] / (int64_t)rank;
		to->half = halves ? (int)(k - first) : 0;
		if (to->kind == PART_B) {
			to->shape[0] = p[1].t->shape[0] / (1 + halves) * to->parts;
			to->shape[1] = (int64_t)rank;
		}
	}
	return 0;
}

static int
check_plain(struct reader *r, size_t i, size_t n, struct jerr *e)
{
	const struct piece *p = &r->v[i];
	const struct adapter_part *a, *b;

	if (p->kind != PART_A || n < 2 || p[1].kind != PART_B || (n > 2 && p[2].kind != PART_M)
	    || n > 3 || p[1].table != p->table || p->table != adapter_is_table(p->module))
		return jerr_set(e, JERR_FORMAT, "%s: module %.100s: expected one lora_A and one lora_B%s",
			r->where, p->module, r->c.dora ? " and a magnitude" : "");
	if (n != (r->c.dora ? 3 : 2))
		return jerr_set(e, JERR_FORMAT, "%s: module %.100s: %s magnitude vector, but use_dora is "
			"%s", r->where, p->module, r->c.dora ? "no" : "a", r->c.dora ? "true" : "false");
	for (size_t j = 0; j < n; j++)
		if (add_part(r, i + j, e) < 0)
			return e->code;
	a = &r->parts[r->n_parts - n];
	b = a + 1;
	if (check_rank(r, p->module, p->table ? a->shape[1] : a->shape[0], b->shape[1], e) < 0)
		return e->code;
	return n == 3 && a[2].shape[0] != b->shape[0]
		? bad_shape(r, &p[2], "a magnitude for each row of B", e) : 0;
}

/* The module whose first piece is at i; *n says how many pieces it has. */
static int
check_module(struct reader *r, size_t i, size_t *n, struct jerr *e)
{
	const struct piece *p = &r->v[i];

	*n = 1;
	while (i + *n < r->n && r->v[i + *n].kind < PART_WHOLE
		&& strcmp(r->v[i + *n].module, p->module) == 0)
		++*n;
	if (p->fused)
		return check_fused(r, i, *n, e);
	return p->expert >= 0 ? check_each(r, i, *n, e) : check_plain(r, i, *n, e);
}

/* Half of a fused B: [O, r * E] becomes [E * O, r]. */
static void
split_fused(float *to, const float *from, const struct adapter_part *p)
{
	int64_t E = p->parts, O = p->shape[0] / E, K = p->shape[1], skip = p->half == 2 ? O : 0;

	for (int64_t e = 0; e < E; e++)
		for (int64_t o = 0; o < O; o++)
			for (int64_t k = 0; k < K; k++)
				*to++ = from[(skip + o) * K * E + k * E + e];
}

/* One tensor of the file into its place in memory. */
static int
read_piece(struct reader *r, const struct piece *p, const struct adapter_part *part, float *to,
	struct jerr *e)
{
	bool split = part->stack == JADAPTER_FUSED && part->kind == PART_B;
	float *tmp;

	if (!p->turn && !split)
		return jst_to_f32(p->t, to, e);
	tmp = jmem_try((size_t)p->t->count, sizeof(*tmp));
	if (!tmp)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %.100s", r->where, p->t->name);
	if (jst_to_f32(p->t, tmp, e) == 0) {
		if (split)
			split_fused(to, tmp, part);
		else
			adapter_transpose(to, tmp, p->t->shape[0], p->t->shape[1]);
	}
	jmem_free(tmp);
	return e->code;
}

static int
read_part(struct reader *r, size_t i, struct jerr *e)
{
	const struct piece *p = &r->v[r->piece_of[i]];
	const struct adapter_part *part = &r->parts[i];
	struct jparam *to = &r->a->params[i];
	int64_t n = part->stack == JADAPTER_EACH ? part->parts : 1;

	if (p->kind == PART_WHOLE)	/* its name is that of the file */
		snprintf(to->name, sizeof(to->name), "%s%s", r->c.mlx ? ADAPTER_PREFIX : "",
			p->t->name);
	for (int64_t k = 0; k < n; k++)
		if (read_piece(r, &p[k], part, to->value + k * p->t->count, e) < 0)
			return e->code;
	return 0;
}

/* A part of the base. */
static int
add_copy(struct reader *r, size_t i, struct jerr *e)
{
	const struct jst_tensor *t = r->v[i].t;
	struct jadapter *a = r->a;
	struct jadapter_copy *c;

	if (t->n_dims != 2 || t->count < 1)
		return bad_shape(r, &r->v[i], "a matrix", e);
	if (!a->copies)
		a->copies = jmem_alloc(r->n, sizeof(*a->copies));
	c = &a->copies[a->n_copies];
	*c = (struct jadapter_copy){ .module = r->v[i].module, .rows = t->shape[0], .cols = t->shape[1],
		.values = jmem_try((size_t)t->count, sizeof(float)) };
	if (!c->values)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %.100s", r->where, t->name);
	a->n_copies++;
	return jst_to_f32(t, c->values, e);
}

static int
check_pieces(struct reader *r, const struct jst *s, struct jerr *e)
{
	size_t i, n;

	for (i = 0; i < r->n; i++) {
		r->v[i].t = jst_at(s, i);
		r->v[i].expert = -1;
		if (classify(r, &r->v[i], e) < 0)
			return e->code;
	}
	qsort(r->v, r->n, sizeof(*r->v), by_module);
	for (i = 0; i < r->n; i += n) {
		int kind = r->v[i].kind;

		n = 1;
		if (kind == PART_COPY ? add_copy(r, i, e) < 0 : kind == PART_WHOLE ? add_part(r, i, e) < 0
			: check_module(r, i, &n, e) < 0)
			return e->code;
	}
	return 0;
}

/* All experts of a stack share one scale. */
static int
alpha_of_each(struct reader *r, struct jadapter_module *m, struct jerr *e)
{
	char path[160], number[24];

	for (int64_t k = 0; r->c.alphas.n > 0 && k < m->parts; k++) {
		double alpha = r->c.alpha;

		snprintf(number, sizeof(number), "%lld", (long long)k);
		adapter_expert_path(path, m->name, number);
		if (adapter_pattern_find(&r->c.alphas, path, &alpha, e) < 0)
			return e->code;
		if (k > 0 && alpha != m->alpha)
			return jerr_set(e, JERR_UNSUPPORTED, "%s: module %.100s: its experts have "
				"different alphas, which is not offered", r->where, path);
		m->alpha = alpha;
	}
	return 0;
}

/* All modules have one alpha but for what the patterns say. */
static int
set_alphas(struct reader *r, struct jerr *e)
{
	for (size_t i = 0; i < r->a->n_modules; i++) {
		struct jadapter_module *m = &r->a->modules[i];

		if (m->stack == JADAPTER_EACH ? alpha_of_each(r, m, e) < 0
			: adapter_pattern_find(&r->c.alphas, m->name, &m->alpha, e) < 0)
			return e->code;
	}
	return 0;
}

static const char *
copy(struct jadapter *a, const char *s)
{
	return s ? jarena_strndup(&a->arena, s, strlen(s)) : NULL;
}

static int
read_tensors(struct reader *r, const struct jst *s, struct jerr *e)
{
	r->n = jst_count(s);
	if (r->n == 0)
		return jerr_set(e, JERR_FORMAT, "%s: holds no tensor", r->where);
	r->v = jmem_try(r->n, sizeof(*r->v));
	r->parts = jmem_try(2 * r->n, sizeof(*r->parts));	/* a fused B becomes two */
	r->piece_of = jmem_try(2 * r->n, sizeof(*r->piece_of));
	if (!r->v || !r->parts || !r->piece_of)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %zu tensors", r->where, r->n);
	memset(r->v, 0, r->n * sizeof(*r->v));
	memset(r->parts, 0, 2 * r->n * sizeof(*r->parts));
	if (check_pieces(r, s, e) < 0 || adapter_build(r->a, r->parts, r->n_parts, e) < 0
	    || set_alphas(r, e) < 0)
		return e->code;
	for (size_t i = 0; i < r->n_parts; i++)
		if (read_part(r, i, e) < 0)
			return e->code;
	return 0;
}

/* Takes over an open file of tensors. */
static int
read_adapter(struct jadapter **out, struct reader *r, const struct jst *s, struct jerr *e)
{
	struct jadapter *a = r->a;

	a->r = r->c.r;
	a->alpha = r->c.alpha;
	a->dropout = r->c.dropout;
	a->rslora = r->c.rslora;
	a->dora = r->c.dora;
	a->fan_in_fan_out = r->c.fan_in_fan_out;
	a->bias = copy(a, r->c.bias);
	a->base = copy(a, r->c.base);
	a->task = copy(a, r->c.task);
	a->targets = r->c.targets;
	adapter_get_mark(&a->mark, s);
	if (read_tensors(r, s, e) == 0 && (!a->targets || !*a->targets))
		adapter_name_targets(a);
	jmem_free(r->v);
	jmem_free(r->parts);
	jmem_free(r->piece_of);
	if (e->code < 0)
		jadapter_free(a);
	else
		*out = a;
	return e->code;
}

int
jadapter_parse(struct jadapter **out, const char *config, size_t n, const void *tensors,
	size_t tensors_n, struct jerr *e)
{
	struct reader r = { .where = PEFT_FILE, .a = jmem_zalloc(1, sizeof(*r.a)) };
	struct jst *s;

	jarena_init(&r.a->arena, 0);
	if (adapter_config_parse(&r.c, config, n, CONFIG_FILE, &r.a->arena, e) < 0
	    || jst_open_mem(&s, tensors, tensors_n, r.where, e) < 0) {
		jadapter_free(r.a);
		return e->code;
	}
	read_adapter(out, &r, s, e);
	jst_close(s);
	return e->code;
}

int
jadapter_load(struct jadapter **out, const char *dir, struct jerr *e)
{
	struct reader r = { .a = jmem_zalloc(1, sizeof(*r.a)) };
	struct jarena *a = &r.a->arena;
	struct jst *s = NULL;
	struct jbuf b;

	jarena_init(a, 0);
	jbuf_init_max(&b, MAX_CONFIG);
	if (slurp_config(dir, a, &b, e) == 0
	    && adapter_config_parse(&r.c, b.p, b.n, jfs_join(a, dir, CONFIG_FILE), a, e) == 0) {
		r.where = jfs_join(a, dir, r.c.mlx ? MLX_FILE : PEFT_FILE);
		jst_open(&s, r.where, e);
	}
	jbuf_release(&b);
	if (e->code < 0) {
		jadapter_free(r.a);
		return e->code;
	}
	read_adapter(out, &r, s, e);
	jst_close(s);
	return e->code;
}
