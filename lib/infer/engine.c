/*
 * The engine: pages of keys and values for every layer, and graphs by (rows, wanted rows), made when a shape
 * first occurs.  A feed is one list of rows over all its slots, cut into chunks whose sizes come from
 * a short list, so that few graphs serve any mix of prompts and single tokens without padding rows.
 */
#include "infer/engine.h"

#include <stdint.h>
#include <string.h>

#define MAX_ROWS 256		/* of one graph */
#define EXACT_ROWS 16		/* up to here every number has its own graph */

uint64_t
jinfer_page_bytes(const struct jmodel_config *c, enum jdtype k_type, enum jdtype v_type)
{
	return (uint64_t)c->layers * (jkv_page_bytes(k_type, c->kv_heads, c->head_dim)
		+ jkv_page_bytes(v_type, c->kv_heads, c->head_dim));
}

uint64_t
jinfer_kv_bytes(const struct jmodel_config *c, int slots, int capacity)
{
	uint64_t page = jinfer_page_bytes(c, JDT_F32, JDT_F32);

	return capacity == 1 ? page / JKV_PAGE * (uint64_t)slots
		: page * (uint64_t)slots * (uint64_t)jkv_pages(capacity);
}

/* The pages of all layers: a slab each of keys and values. */
static int
map_cache(struct jinfer *inf, const struct jinfer_opts *o, size_t n, struct jerr *e)
{
	const struct jmodel_config *c = &inf->m->cfg;
	uint64_t k = jkv_page_bytes(o->k_type, c->kv_heads, c->head_dim) * n;
	uint64_t v = jkv_page_bytes(o->v_type, c->kv_heads, c->head_dim) * n;
	char *at;

	inf->kv_bytes = (size_t)((k + v) * (uint64_t)c->layers);
	inf->kv_slab = at = jmem_map(inf->kv_bytes);
	if (!at || !pages_init(&inf->pages, n))
		return jerr_set(e, JERR_NOMEM, "no memory for a key/value cache of %.1f MB",
			(double)inf->kv_bytes * 1e-6);
	inf->table = jmem_zalloc((size_t)inf->slots * inf->per_slot, sizeof(*inf->table));
	inf->seq = jmem_zalloc((size_t)inf->slots, sizeof(*inf->seq));
	inf->kv = jmem_zalloc((size_t)c->layers, sizeof(*inf->kv));
	for (int64_t l = 0; l < c->layers; l++, at += k + v)
		inf->kv[l] = (struct jkv_cache){ .k = at, .v = at + k, .slots = inf->slots,
			.capacity = inf->capacity, .table = inf->table, .k_type = o->k_type,
			.v_type = o->v_type };
	return 0;
}

/* How many pages: for each sequence one more than it can have, so that one can always be copied. */
static int
pool_pages(const struct jinfer *inf, const struct jinfer_opts *o, size_t *n, struct jerr *e)
{
	uint64_t bytes = jinfer_page_bytes(&inf->m->cfg, o->k_type, o->v_type);
	uint64_t want = ((uint64_t)inf->per_slot + 1) * (uint64_t)o->slots;

	if (o->cache_bytes > 0 && want > o->cache_bytes / bytes)
		want = o->cache_bytes / bytes;
	if (want > INT32_MAX - 1)
		want = INT32_MAX - 1;
	if (want < 2)
		return jerr_set(e, JERR_LIMIT, "a cache of %.1f MB does not hold %d tokens: they take "
			"%.1f MB", (double)o->cache_bytes * 1e-6, 2 * JKV_PAGE, 2e-6 * (double)bytes);
	*n = (size_t)want;
	return 0;
}

int
jinfer_make(struct jinfer **out, struct jmodel *m, struct jpar *pool, const struct jinfer_opts *o,
	struct jerr *e)
{
	struct jinfer *inf;
	size_t n = 0;
	int rc;

	if (o->slots < 1 || o->slots > 65536 || o->capacity < 1 || o->capacity > m->cfg.context)
		return jerr_set(e, JERR_ARG, "%d sequences of %d tokens: the model's context is %lld",
			o->slots, o->capacity, (long long)m->cfg.context);
	if (!jkv_offers(o->k_type) || !jkv_offers(o->v_type))
		return jerr_set(e, JERR_ARG, "a cache in %s and %s: f32, f16 and q8_0 are offered",
			jdtype_name(o->k_type), jdtype_name(o->v_type));
	inf = jmem_zalloc(1, sizeof(*inf));
	inf->m = m;
	inf->pool = pool;
	inf->slots = o->slots;
	inf->capacity = o->capacity;
	inf->per_slot = (size_t)jkv_pages(o->capacity);
	rc = pool_pages(inf, o, &n, e);
	if (rc == 0)
		rc = map_cache(inf, o, n, e);
	if (rc < 0) {
		jinfer_free(inf);
		return rc;
	}
	*out = inf;
	return 0;
}

int
jinfer_new(struct jinfer **out, struct jmodel *m, struct jpar *pool, int slots, int capacity,
	struct jerr *e)
{
	const struct jinfer_opts o = { .slots = slots, .capacity = capacity };

	return jinfer_make(out, m, pool, &o, e);
}

void
engine_forget_graphs(struct jinfer *inf)
{
	for (int i = 0; i < inf->n_graphs; i++)
		jgraph_free(inf->graphs[i].ig.g);
	inf->n_graphs = 0;
}

void
jinfer_free(struct jinfer *inf)
{
	if (!inf)
		return;
	engine_forget_graphs(inf);
	engine_free_adapters(inf);
	if (inf->kv_slab)
		jmem_unmap(inf->kv_slab, inf->kv_bytes);
	pages_release(&inf->pages);
	jmem_free(inf->kv);
	jmem_free(inf->seq);
	jmem_free(inf->table);
	jmem_free(inf);
}

int
jinfer_capacity(const struct jinfer *inf)
{
	return inf->capacity;
}

const struct jmodel_config *
jinfer_config(const struct jinfer *inf)
{
	return &inf->m->cfg;
}

static int
power_below(int n)
{
	int p = 1;

	while (2 * p <= n)
		p *= 2;
	return p;
}

static int
chunk_rows(size_t left)
{
	if (left >= MAX_ROWS)
		return MAX_ROWS;
	return left <= EXACT_ROWS ? (int)left : power_below((int)left);
}

/* Room for the wanted rows: few sizes, so that few graphs; spare ones repeat row 0. */
static int
wanted_rows(int wanted, int R)
{
	int n = wanted < 1 ? 1 : wanted;

	if (power_below(n) != n)
		n = 2 * power_below(n);
	return n < R ? n : R;
}

static struct shaped *
room_for_graph(struct jinfer *inf)
{
	struct shaped *oldest = &inf->graphs[0];

	if (inf->n_graphs < MAX_GRAPHS)
		return &inf->graphs[inf->n_graphs++];
	for (int i = 1; i < inf->n_graphs; i++)
		if (inf->graphs[i].used < oldest->used)
			oldest = &inf->graphs[i];
	jgraph_free(oldest->ig.g);
	return oldest;
}

static int
get_graph(struct jinfer *inf, int R, int N, struct shaped **out, struct jerr *e)
{
	const struct jgraph_plan_opts opts = { .training = false };
	const struct jmodel_infer_shape shape = { R, N, inf->kv, inf->adapters != NULL };
	struct jgraph_plan plan;
	struct shaped s = { .R = R, .N = N };
	int rc;

	for (int i = 0; i < inf->n_graphs; i++) {
		if (inf->graphs[i].R == R && inf->graphs[i].N == N) {
			*out = &inf->graphs[i];
			return 0;
		}
	}
	rc = jmodel_build_infer(inf->m, inf->pool, &shape, &s.ig, e);
	if (rc < 0)
		return rc;
	rc = jgraph_plan(s.ig.g, &opts, &plan, e);
	if (rc < 0) {
		jgraph_free(s.ig.g);
		return rc;
	}
	*out = room_for_graph(inf);
	**out = s;
	return 0;
}

/* A row of a feed: token `at` of entry `f`. */
struct cursor {
	const struct jinfer_feed *f;
	size_t n, i, at;
};

static bool
wants(const struct jinfer_feed *f, size_t at)
{
	return f->all_logits || f->hidden || (f->logits && at + 1 == f->n);
}

static void
advance(struct cursor *c)
{
	c->at++;
	while (c->i < c->n && c->at == c->f[c->i].n) {
		c->i++;
		c->at = 0;
	}
}

static int
count_wanted(struct cursor c, int R)
{
	int wanted = 0;

	for (int r = 0; r < R; r++, advance(&c))
		wanted += wants(&c.f[c.i], c.at);
	return wanted;
}

/* The adapter of each row, and of the rows whose logits are wanted. */
static void
fill_adapters(const struct jinfer *inf, struct shaped *s)
{
	const int32_t *slot = jnode_data(s->ig.slot), *rows = jnode_data(s->ig.rows);
	int32_t *which = jnode_data(s->ig.which), *which_rows = jnode_data(s->ig.which_rows);

	for (int r = 0; r < s->R; r++)
		which[r] = inf->seq[slot[r]].adapter - 1;
	for (int i = 0; i < s->N; i++)
		which_rows[i] = which[rows[i]];
}

static void
fill(struct jinfer *inf, struct shaped *s, struct cursor c)
{
	int32_t *ids = jnode_data(s->ig.ids), *pos = jnode_data(s->ig.pos);
	int32_t *slot = jnode_data(s->ig.slot), *rows = jnode_data(s->ig.rows);
	int n = 0;

	for (int r = 0; r < s->R; r++, advance(&c)) {
		const struct jinfer_feed *f = &c.f[c.i];

		ids[r] = (int32_t)f->ids[c.at];
		slot[r] = f->slot;
		pos[r] = (int32_t)(inf->seq[f->slot].length + c.at);
		if (wants(f, c.at))
			rows[n++] = r;
	}
	while (n < s->N)
		rows[n++] = 0;
	if (s->ig.which)
		fill_adapters(inf, s);
}

static void
collect(struct jinfer *inf, struct shaped *s, struct cursor *c)
{
	const float *logits = jnode_data(s->ig.logits), *hidden = jnode_data(s->ig.hidden);
	size_t V = (size_t)inf->m->cfg.vocab_size, C = (size_t)inf->m->cfg.hidden;

	for (int r = 0; r < s->R; r++, advance(c)) {
		const struct jinfer_feed *f = &c->f[c->i];

		if (!wants(f, c->at))
			continue;
		if (f->all_logits)
			memcpy(f->all_logits + c->at * V, logits, V * sizeof(*logits));
		if (f->logits && c->at + 1 == f->n)
			memcpy(f->logits, logits, V * sizeof(*logits));
		if (f->hidden)
			memcpy(f->hidden + c->at * C, hidden, C * sizeof(*hidden));
		logits += V;
		hidden += C;
	}
}

static int
check_feed(const struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jerr *e)
{
	for (size_t i = 0; i < n; i++) {
		if (f[i].slot < 0 || f[i].slot >= inf->slots)
			jbug("slot %d of %d", f[i].slot, inf->slots);
		for (size_t j = 0; j < i; j++)
			if (f[j].slot == f[i].slot)
				jbug("slot %d twice in one feed", f[i].slot);
		if (f[i].n > (size_t)inf->capacity - inf->seq[f[i].slot].length)
			return jerr_set(e, JERR_LIMIT, "%zu tokens and %zu more exceed the context of "
				"%d", inf->seq[f[i].slot].length, f[i].n, inf->capacity);
		for (size_t j = 0; j < f[i].n; j++)
			if (f[i].ids[j] >= (uint64_t)inf->m->cfg.vocab_size)
				return jerr_set(e, JERR_ARG, "token id %lu: the model's vocabulary has "
					"%lld", (unsigned long)f[i].ids[j],
					(long long)inf->m->cfg.vocab_size);
	}
	return 0;
}

/* Pages for all of it, or an error before anything has changed. */
static int
take_pages(struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jerr *e)
{
	size_t need = 0;

	for (size_t i = 0; i < n; i++)
		need += jinfer_need(inf, f[i].slot, f[i].n);
	if (need > jinfer_available(inf))
		return jerr_set(e, JERR_LIMIT, "the cache has %zu of its %zu pages of %d tokens left, "
			"and %zu are needed", jinfer_available(inf), inf->pages.n, JKV_PAGE, need);
	for (size_t i = 0; i < n; i++)
		engine_grow(inf, f[i].slot, f[i].n);
	return 0;
}

/* The rows of one adapter follow each other: each adapter's products are few then. */
static void
by_adapter(const struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jinfer_feed *to)
{
	size_t k = 0;

	for (int a = 0; a <= inf->n_named; a++)
		for (size_t i = 0; i < n; i++)
			if (inf->seq[f[i].slot].adapter == a)
				to[k++] = f[i];
}

static int
run_rows(struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jerr *e)
{
	struct cursor c = { f, n, 0, 0 };
	size_t left = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		left += f[i].n;
	while (c.i < n && f[c.i].n == 0)
		c.i++;
	while (left > 0) {
		int R = chunk_rows(left);
		struct shaped *s;

		rc = get_graph(inf, R, wanted_rows(count_wanted(c, R), R), &s, e);
		if (rc < 0)
			return rc;
		s->used = ++inf->clock;
		fill(inf, s, c);
		jgraph_forward(s->ig.g);
		collect(inf, s, &c);
		left -= (size_t)R;
	}
	return 0;
}

int
jinfer_feed(struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jerr *e)
{
	struct jinfer_feed *sorted = NULL;
	int rc = check_feed(inf, f, n, e);

	if (rc == 0)
		rc = take_pages(inf, f, n, e);
	if (rc < 0)
		return rc;
	if (inf->adapters && n > 1) {
		sorted = jmem_alloc(n, sizeof(*sorted));
		by_adapter(inf, f, n, sorted);
	}
	rc = run_rows(inf, sorted ? sorted : f, n, e);
	jmem_free(sorted);
	for (size_t i = 0; rc == 0 && i < n; i++)
		engine_know(inf, f[i].slot, f[i].ids, f[i].n);
	return rc;
}
