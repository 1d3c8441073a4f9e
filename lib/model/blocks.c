#include "model/blocks.h"

#include <string.h>

#include "base/jmem.h"

int
calibration_check(const struct jmodel *m, const struct jcalibration *c, struct jerr *e)
{
	if (c->chunk < 2 || c->chunk > m->cfg.context || c->n < (size_t)c->chunk)
		return jerr_set(e, JERR_ARG, "calibration wants at least %d tokens in chunks of 2 to "
			"%lld, got %zu", c->chunk, (long long)m->cfg.context, c->n);
	for (size_t i = 0; i < c->n; i++)
		if (c->ids[i] >= (uint64_t)m->cfg.vocab_size)
			return jerr_set(e, JERR_FORMAT, "token id %lu: the model has %lld",
				(unsigned long)c->ids[i], (long long)m->cfg.vocab_size);
	return 0;
}

static void
fill_positions(struct block_graph *g, int T)
{
	int32_t *pos = jnode_data(g->pos), *seg = jnode_data(g->seg);

	for (int t = 0; t < T; t++) {
		pos[t] = t;
		seg[t] = 0;
	}
}

static void
count_chunk(struct blocks *b)
{
	b->done++;
	if (b->text->on_chunk)
		b->text->on_chunk(b->text->arg, b->done, b->total);
}

static int
embed(struct blocks *b, struct jerr *e)
{
	int T = b->text->chunk;
	size_t size = (size_t)T * (size_t)b->m->cfg.hidden;
	struct block_graph g;
	int32_t *ids;

	if (block_graph_build(b->m, b->pool, -1, T, &g, e) < 0)
		return e->code;
	fill_positions(&g, T);
	ids = jnode_data(g.in);
	for (uint64_t i = 0; i < b->chunks; i++) {
		for (int t = 0; t < T; t++)
			ids[t] = (int32_t)b->text->ids[i * (uint64_t)T + (uint64_t)t];
		jgraph_evaluate(g.g);
		memcpy(b->x + i * size, jnode_data(g.out), size * sizeof(float));
	}
	jgraph_free(g.g);
	return 0;
}

int
blocks_open(struct blocks *b, struct jmodel *m, struct jpar *pool, const struct jcalibration *text,
	int passes, struct jerr *e)
{
	int rc = calibration_check(m, text, e);

	if (rc < 0)
		return rc;
	*b = (struct blocks){ .m = m, .pool = pool, .text = text };
	b->chunks = text->n / (size_t)text->chunk;
	b->total = b->chunks * (uint64_t)passes;
	b->x = jmem_try((size_t)b->chunks * (size_t)text->chunk, (size_t)m->cfg.hidden * sizeof(float));
	if (!b->x)
		return jerr_set(e, JERR_NOMEM, "no memory for what %llu chunks of %d tokens give "
			"between layers", (unsigned long long)b->chunks, text->chunk);
	rc = embed(b, e);
	if (rc < 0)
		blocks_close(b);
	return rc;
}

void
blocks_close(struct blocks *b)
{
	jmem_free(b->x);
	b->x = NULL;
}

int
blocks_pass(struct blocks *b, const struct blocks_pass *p, struct jerr *e)
{
	int T = b->text->chunk;
	size_t size = (size_t)T * (size_t)b->m->cfg.hidden;
	struct block_graph g;

	if (block_graph_build(b->m, b->pool, p->layer, T, &g, e) < 0)
		return e->code;
	fill_positions(&g, T);
	if (p->see)
		jgraph_watch(g.g, p->see, p->arg);
	for (uint64_t i = 0; i < b->chunks; i++) {
		float *x = b->x + i * size;

		memcpy(jnode_data(g.in), x, size * sizeof(float));
		jgraph_evaluate(g.g);
		if (p->rows)
			p->rows(p->arg, x, jnode_data(g.out), T);
		if (p->keep)
			memcpy(x, jnode_data(g.out), size * sizeof(float));
		count_chunk(b);
	}
	jgraph_free(g.g);
	return 0;
}
