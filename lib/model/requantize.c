/*
 * requantize.c - an opened model's matrices in another type, in memory of its own.
 */
#include <string.h>

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

/* Which copy of the model's own the weight is; the number of copies if it lies in a file. */
static size_t
copy_of(const struct weight_source *s, const struct jparam *p)
{
	const void *at = p->value ? (const void *)p->value : p->data;
	size_t i = 0;

	while (i < s->n && s->copies[i] != at)
		i++;
	return i;
}

/* The copy takes the place of the one before, or stands beside the file. */
static void
take_copy(struct weight_source *s, const struct jparam *p, void *copy)
{
	size_t i = copy_of(s, p);

	if (i < s->n) {
		jmem_free(s->copies[i]);
	} else {
		JMEM_GROW(s->copies, s->cap, s->n + 1);
		s->n++;
	}
	s->copies[i] = copy;
}

/* What still lies in the files is copied, so that their pages need not stay. */
static int
leave_files(struct jmodel *m, struct jerr *e)
{
	struct weight_source *s = m->source;

	for (size_t i = 0; i < m->n_params; i++) {
		struct jparam *p = &m->params[i];
		uint64_t bytes = jten_bytes(p->dtype, weights_count(p));
		void *copy;

		if (copy_of(s, p) < s->n)
			continue;
		copy = jmem_try_aligned((size_t)bytes, 1);
		if (!copy)
			return jerr_set(e, JERR_NOMEM, "no memory for %s", p->name);
		memcpy(copy, p->value ? (const void *)p->value : p->data, (size_t)bytes);
		take_copy(s, p, copy);
		if (p->value)
			p->value = copy;
		else
			p->data = copy;
	}
	weights_close_files(s);
	return 0;
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
	take_copy(m->source, p, j.to);
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
	return leave_files(m, e);
}
