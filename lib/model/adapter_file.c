/*
 * adapter_file.c - adapter folders read and written: PEFT's, and mlx-lm's read.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "model/adapter.h"

#define CONFIG_FILE "adapter_config.json"
#define PEFT_FILE "adapter_model.safetensors"
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
		return 0;
	}
	p->module = name;
	p->kind = PART_WHOLE;
	if (!announced(&r->c, name))
		return jerr_set(e, JERR_FORMAT, "%s: tensor %.100s: neither a part of a LoRA module nor "
			"named by modules_to_save or bias", r->where, p->t->name);
	return 0;
}

/* By module, A before B before the magnitude, whole tensors last. */
static int
by_module(const void *x, const void *y)
{
	const struct piece *a = x, *b = y;
	int whole = (a->kind == PART_WHOLE) - (b->kind == PART_WHOLE);
	int c = whole ? whole : strcmp(a->module, b->module);

	return c ? c : a->kind - b->kind;
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
	r->piece_of[r->n_parts++] = i;
	return 0;
}

/* Rank and parts of the module whose A is at i; *n says how many pieces it has. */
static int
check_module(struct reader *r, size_t i, size_t *n, struct jerr *e)
{
	const struct piece *p = &r->v[i];
	const struct adapter_part *a, *b;
	double rank = (double)r->c.r;
	int64_t k;

	*n = 1;
	while (i + *n < r->n && r->v[i + *n].kind != PART_WHOLE
		&& strcmp(r->v[i + *n].module, p->module) == 0)
		++*n;
	if (p->kind != PART_A || *n < 2 || p[1].kind != PART_B || (*n > 2 && p[2].kind != PART_M)
	    || *n > 3 || p[1].table != p->table || p->table != adapter_is_table(p->module))
		return jerr_set(e, JERR_FORMAT, "%s: module %.100s: expected one lora_A and one lora_B%s",
			r->where, p->module, r->c.dora ? " and a magnitude" : "");
	if (r->c.dora ? *n != 3 && !p->table : *n != 2)
		return jerr_set(e, JERR_FORMAT, "%s: module %.100s: %s magnitude vector, but use_dora is "
			"%s", r->where, p->module, r->c.dora ? "no" : "a", r->c.dora ? "true" : "false");
	for (size_t j = 0; j < *n; j++)
		if (add_part(r, i + j, e) < 0)
			return e->code;
	a = &r->parts[r->n_parts - *n];
	b = a + 1;
	k = p->table ? a->shape[1] : a->shape[0];
	if (adapter_pattern_find(&r->c.ranks, p->module, &rank, e) < 0)
		return e->code;
	if (k != (int64_t)rank || b->shape[1] != k)
		return jerr_set(e, JERR_FORMAT, "%s: module %.100s: the tensors have the ranks %lld and "
			"%lld, the configuration says %g", r->where, p->module, (long long)k,
			(long long)b->shape[1], rank);
	if (*n == 3 && a[2].shape[0] != b->shape[0])
		return bad_shape(r, &p[2], "a magnitude for each row of B", e);
	return 0;
}

static int
read_part(struct reader *r, size_t i, struct jerr *e)
{
	const struct piece *p = &r->v[r->piece_of[i]];
	struct jparam *to = &r->a->params[i];
	float *tmp;

	if (p->kind == PART_WHOLE)	/* its name is that of the file */
		snprintf(to->name, sizeof(to->name), "%s%s", r->c.mlx ? ADAPTER_PREFIX : "",
			p->t->name);
	if (!p->turn)
		return jst_to_f32(p->t, to->value, e);
	tmp = jmem_try((size_t)p->t->count, sizeof(*tmp));
	if (!tmp)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %.100s", r->where, p->t->name);
	if (jst_to_f32(p->t, tmp, e) == 0)
		adapter_transpose(to->value, tmp, p->t->shape[0], p->t->shape[1]);
	jmem_free(tmp);
	return e->code;
}

static int
check_pieces(struct reader *r, const struct jst *s, struct jerr *e)
{
	size_t i, n;

	for (i = 0; i < r->n; i++) {
		r->v[i].t = jst_at(s, i);
		if (classify(r, &r->v[i], e) < 0)
			return e->code;
	}
	qsort(r->v, r->n, sizeof(*r->v), by_module);
	for (i = 0; i < r->n; i += n) {
		n = 1;
		if (r->v[i].kind == PART_WHOLE ? add_part(r, i, e) < 0
			: check_module(r, i, &n, e) < 0)
			return e->code;
	}
	return 0;
}

/* All modules of one rank and alpha but for what the patterns say. */
static int
set_alphas(struct reader *r, struct jerr *e)
{
	for (size_t i = 0; i < r->a->n_modules; i++) {
		struct jadapter_module *m = &r->a->modules[i];

		if (adapter_pattern_find(&r->c.alphas, m->name, &m->alpha, e) < 0)
			return e->code;
	}
	return 0;
}

static const char *
copy(struct jadapter *a, const char *s)
{
	return s ? jarena_strndup(&a->arena, s, strlen(s)) : NULL;
}

/* Of a file that does not say: the modules by their whole names. */
static void
name_targets(struct jadapter *a)
{
	const char **names = jmem_alloc(a->n_modules + 1, sizeof(*names));
	struct jbuf b;

	jbuf_init(&b);
	for (size_t i = 0; i < a->n_modules; i++)
		names[i] = a->modules[i].name;
	adapter_put_names("target_modules", names, a->n_modules, &b);
	a->targets = jarena_strndup(&a->arena, b.p, b.n);
	jbuf_release(&b);
	jmem_free(names);
}

static int
read_tensors(struct reader *r, const struct jst *s, struct jerr *e)
{
	r->n = jst_count(s);
	if (r->n == 0)
		return jerr_set(e, JERR_FORMAT, "%s: holds no tensor", r->where);
	r->v = jmem_try(r->n, sizeof(*r->v));
	r->parts = jmem_try(r->n, sizeof(*r->parts));
	r->piece_of = jmem_try(r->n, sizeof(*r->piece_of));
	if (!r->v || !r->parts || !r->piece_of)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %zu tensors", r->where, r->n);
	memset(r->v, 0, r->n * sizeof(*r->v));
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
	if (read_tensors(r, s, e) == 0 && (!a->targets || !*a->targets))
		name_targets(a);
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

/* Is the tensor turned around between memory and file? */
static bool
turned(const struct jparam *p)
{
	return jstr_ends(p->name, ".lora_embedding_A");
}

static int
put_tensor(struct jst_writer *w, const struct jadapter *a, size_t i, struct jerr *e)
{
	const struct jparam *p = &a->params[i];
	uint64_t n = (uint64_t)(p->shape[0] * (p->n_dims > 1 ? p->shape[1] : 1));
	float *tmp;

	if (!turned(p))
		return jst_put_f32(w, p->value, n, e);
	tmp = jmem_try((size_t)n, sizeof(*tmp));
	if (!tmp)
		return jerr_set(e, JERR_NOMEM, "no memory to write %s", p->name);
	adapter_transpose(tmp, p->value, p->shape[0], p->shape[1]);
	jst_put_f32(w, tmp, n, e);
	jmem_free(tmp);
	return e->code;
}

static int
save_tensors(const struct jadapter *a, const char *path, struct jerr *e)
{
	struct jst_writer *w;
	size_t i;

	if (jst_create(&w, path, e) < 0)
		return e->code;
	for (i = 0; i < a->n_params; i++) {
		const struct jparam *p = &a->params[i];
		bool turn = turned(p);
		int64_t shape[2] = { p->shape[turn], p->shape[!turn] };

		jst_declare(w, p->name, a->dtypes[i], p->n_dims, shape);
	}
	for (i = 0; i < a->n_params && e->code == 0; i++)
		put_tensor(w, a, i, e);
	if (e->code < 0) {
		jst_abort(w);
		return e->code;
	}
	return jst_commit(w, e);
}

int
jadapter_save(const struct jadapter *a, const char *dir, struct jerr *e)
{
	struct jarena arena;
	struct jbuf b;

	jarena_init(&arena, 0);
	jbuf_init(&b);
	if (save_tensors(a, jfs_join(&arena, dir, PEFT_FILE), e) == 0) {
		adapter_config_json(a, &b);
		jout_put(jfs_join(&arena, dir, CONFIG_FILE), b.p, b.n, e);
	}
	jbuf_release(&b);
	jarena_release(&arena);
	return e->code;
}
