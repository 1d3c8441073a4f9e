/*
 * requantize.c - an opened model's matrices in another type, in memory of its own.
 */
#include "model/adapter.h"
#include "model/weights.h"
#include "tensor/jquant.h"

struct job {
	struct jparam *p;
	enum jdtype dtype;
	unsigned char *to;
	float *rows;		/* one for each worker */
};

static void
one_row(void *arg, int64_t i, int worker)
{
	const struct job *j = arg;
	int64_t cols = j->p->shape[1];
	float *row = j->rows + worker * cols;

	jparam_row(j->p, i, row);
	jquant_encode(j->to + (uint64_t)i * jten_bytes(j->dtype, cols), j->dtype, row, cols, NULL);
}

static int
requantize(struct jmodel *m, struct jparam *p, enum jdtype dtype, struct jpar *pool, struct jerr *e)
{
	struct job j = { .p = p, .dtype = dtype };
	uint64_t bytes = jten_bytes(dtype, p->shape[0] * p->shape[1]);

	j.to = jmem_try_aligned((size_t)bytes, 1);
	j.rows = jmem_try((size_t)p->shape[1] * (size_t)jpar_size(pool), sizeof(*j.rows));
	if (!j.to || !j.rows) {
		jmem_free(j.to);
		jmem_free(j.rows);
		return jerr_set(e, JERR_NOMEM, "no memory for %s as %s", p->name, jdtype_name(dtype));
	}
	jpar_for(pool, p->shape[0], one_row, &j);
	jmem_free(j.rows);
	JMEM_GROW(m->source->copies, m->source->cap, m->source->n + 1);
	m->source->copies[m->source->n++] = j.to;
	p->dtype = dtype;
	p->data = j.to;
	p->value = NULL;
	return 0;
}

int
jmodel_requantize(struct jmodel *m, enum jdtype dtype, struct jpar *pool, struct jerr *e)
{
	if (!jquant_encodes(dtype))
		return jerr_set(e, JERR_ARG, "%s is no type that matrices are quantized to",
			jdtype_name(dtype));
	for (size_t i = 0; i < m->n_params; i++) {
		struct jparam *p = &m->params[i];

		if (p->n_dims == 2 && p->dtype != dtype && p->shape[1] % (int64_t)jdtype_values(dtype) == 0
		    && requantize(m, p, dtype, pool, e) < 0)
			return e->code;
	}
	return 0;
}
