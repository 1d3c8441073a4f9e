/* param.c - weights in the form a file holds them, as operands. */
#include <string.h>

#include "graph/graph.h"
#include "tensor/jpacked.h"

static const char *
stored_row(const struct jparam *p, int64_t row)
{
	return (const char *)p->data + (uint64_t)row * jten_bytes(p->dtype, p->shape[p->n_dims - 1]);
}

void
jparam_operand(const struct jparam *p, int64_t row, struct jgemm *g)
{
	g->ldb = p->shape[p->n_dims - 1];
	if (p->value) {
		g->b_type = JDT_F32;
		g->B = p->value + row * g->ldb;
		return;
	}
	g->b_type = p->dtype;
	g->b_data = stored_row(p, row);
}

void
jparam_row(const struct jparam *p, int64_t row, float *to)
{
	int64_t n = p->shape[p->n_dims - 1];

	if (p->value)
		memcpy(to, p->value + row * n, (size_t)n * sizeof(*to));
	else
		jten_to_f32(to, stored_row(p, row), p->dtype, n);
}

int
jparam_pack(struct jparam *p, struct jpar *pool, struct jerr *e)
{
	if (p->value || p->packed || p->n_dims != 2 || !jpacked_offers(p->dtype, p->shape[1]))
		return 0;
	p->packed = jpacked_new(p->dtype, p->data, p->shape[0], p->shape[1], pool);
	if (!p->packed)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %.1f MB of interleaved weights",
			p->name, (double)jpacked_bytes(p->dtype, p->shape[0], p->shape[1]) * 1e-6);
	return 0;
}

void
jparam_unpack(struct jparam *p)
{
	jpacked_free(p->packed);
	p->packed = NULL;
}
