/*
 * The engine: key/value caches for every layer, and graphs by (rows, wanted rows), made when a shape
 * first occurs.  A feed is one list of rows over all its slots, cut into chunks whose sizes come from
 * a short list, so that few graphs serve any mix of prompts and single tokens without padding rows.
 */
#include "infer/engine.h"

#include <stdint.h>
#include <string.h>

#define MAX_ROWS 256		/* of one graph */
#define EXACT_ROWS 16		/* up to here every number has its own graph */

uint64_t
jinfer_kv_bytes(const struct jmodel_config *c, int slots, int capacity)
{
	return 2 * sizeof(float) * (uint64_t)c->layers * (uint64_t)(c->kv_heads * c->head_dim) *
		(uint64_t)slots * (uint64_t)capacity;
}

int
jinfer_new(struct jinfer **out, struct jmodel *m, struct jpar *pool, int slots, int capacity,
	struct jerr *e)
{
	struct jinfer *inf;
	uint64_t per;

	if (slots < 1 || slots > 65536 || capacity < 1 || capacity > m->cfg.context)
		return jerr_set(e, JERR_ARG, "%d sequences of %d tokens: the model's context is %lld",
			slots, capacity, (long long)m->cfg.context);
	inf = jmem_zalloc(1, sizeof(*inf));
	inf->m = m;
	inf->pool = pool;
	inf->slots = slots;
	inf->capacity = capacity;
	inf->kv_bytes = (size_t)jinfer_kv_bytes(&m->cfg, slots, capacity);
	inf->kv_slab = jmem_map(inf->kv_bytes);
	if (!inf->kv_slab) {
		jinfer_free(inf);
		return jerr_set(e, JERR_NOMEM, "no memory for a key/value cache of %.1f MB",
			(double)jinfer_kv_bytes(&m->cfg, slots, capacity) * 1e-6);
	}
	inf->length = jmem_zalloc((size_t)slots, sizeof(*inf->length));
	inf->kept = jmem_zalloc((size_t)slots, sizeof(*inf->kept));
	inf->ids = jmem_zalloc((size_t)slots, sizeof(*inf->ids));
	inf->kv = jmem_zalloc((size_t)m->cfg.layers, sizeof(*inf->kv));
	per = inf->kv_bytes / sizeof(float) / (uint64_t)m->cfg.layers;
	for (int64_t l = 0; l < m->cfg.layers; l++) {
		inf->kv[l].k = inf->kv_slab + (uint64_t)l * per;
		inf->kv[l].v = inf->kv[l].k + per / 2;
		inf->kv[l].slots = slots;
		inf->kv[l].capacity = capacity;
	}
	*out = inf;
	return 0;
}

void
jinfer_free(struct jinfer *inf)
{
	if (!inf)
		return;
	for (int i = 0; i < inf->n_graphs; i++)
		jgraph_free(inf->graphs[i].ig.g);
	if (inf->kv_slab)
		jmem_unmap(inf->kv_slab, inf->kv_bytes);
	jmem_free(inf->kv);
	for (int i = 0; inf->ids && i < inf->slots; i++)
		jmem_free(inf->ids[i]);
	jmem_free(inf->ids);
	jmem_free(inf->kept);
	jmem_free(inf->length);
	jmem_free(inf);
}

size_t
jinfer_length(const struct jinfer *inf, int slot)
{
	return inf->length[slot];
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

void
jinfer_reset(struct jinfer *inf, int slot)
{
	inf->length[slot] = 0;
}

void
jinfer_truncate(struct jinfer *inf, int slot, size_t n)
{
	if (n < inf->length[slot])
		inf->length[slot] = n;
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
	const struct jmodel_infer_shape shape = { R, N, inf->kv };
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
		pos[r] = (int32_t)(inf->length[f->slot] + c.at);
		if (wants(f, c.at))
			rows[n++] = r;
	}
	while (n < s->N)
		rows[n++] = 0;
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
		if (f[i].n > (size_t)inf->capacity - inf->length[f[i].slot])
			return jerr_set(e, JERR_LIMIT, "%zu tokens and %zu more exceed the context of "
				"%d", inf->length[f[i].slot], f[i].n, inf->capacity);
		for (size_t j = 0; j < f[i].n; j++)
			if (f[i].ids[j] >= (uint64_t)inf->m->cfg.vocab_size)
				return jerr_set(e, JERR_ARG, "token id %lu: the model's vocabulary has "
					"%lld", (unsigned long)f[i].ids[j],
					(long long)inf->m->cfg.vocab_size);
	}
	return 0;
}

/* Which tokens the rows of the cache belong to, so that another sequence can begin with them. */
static void
remember(struct jinfer *inf, const struct jinfer_feed *f)
{
	size_t from = inf->length[f->slot];

	if (!inf->ids[f->slot])
		inf->ids[f->slot] = jmem_alloc((size_t)inf->capacity, sizeof(**inf->ids));
	memcpy(inf->ids[f->slot] + from, f->ids, f->n * sizeof(*f->ids));
	inf->length[f->slot] = inf->kept[f->slot] = from + f->n;
}

int
jinfer_feed(struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jerr *e)
{
	struct cursor c = { f, n, 0, 0 };
	size_t left = 0;
	int rc = check_feed(inf, f, n, e);

	if (rc < 0)
		return rc;
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
	for (size_t i = 0; i < n; i++)
		remember(inf, &f[i]);
	return 0;
}
