/*
 * adapter_base.c - which base an adapter was trained on: recorded with its tensors, checked where it is
 * applied.
 *
 * The fingerprint is the hash of up to ROWS rows of every weight, as numbers, so that it does not depend
 * on the container.  Where it differs, a sample of single values tells another model, or one that was
 * trained further, from the same model stored in another type.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "model/adapter.h"
#include "model/jweights.h"
#include "tensor/jquant.h"

enum { ROWS = 16 };
#define FAR 0.5		/* of the norm: more than any type of ours rounds */

static uint64_t
print_of(const struct jparam *p, uint64_t so_far, float *row)
{
	int64_t rows = p->n_dims > 1 ? p->shape[0] : 1, cols = p->shape[p->n_dims > 1];
	int64_t n = rows < ROWS ? rows : ROWS;

	so_far = jhash64(p->shape, sizeof(p->shape[0]) * (size_t)p->n_dims, so_far);
	for (int64_t i = 0; i < n; i++) {
		jmodel_rows(p, n > 1 ? i * (rows - 1) / (n - 1) : 0, 1, row);
		so_far = jhash64(row, (size_t)cols * sizeof(*row), so_far);
	}
	return so_far;
}

/* The type of most of the weights. */
static const char *
main_type(const struct jmodel *m)
{
	int64_t most = 0;
	const char *name = "F32";

	for (size_t i = 0; i < m->n_params; i++) {
		int64_t n = 0;

		for (size_t k = 0; k < m->n_params; k++)
			if (m->params[k].n_dims > 1 && m->params[k].dtype == m->params[i].dtype)
				n += m->params[k].shape[0] * m->params[k].shape[1];
		if (n > most) {
			most = n;
			name = jdtype_name(m->params[i].dtype);
		}
	}
	return name;
}

/* One value of a matrix, the same one in every form of the model. */
static float
sample_of(const struct jmodel *m, size_t i, float *row)
{
	size_t matrices = 0, want, k;

	for (k = 0; k < m->n_params; k++)
		matrices += m->params[k].n_dims > 1;
	want = i * matrices / JADAPTER_SAMPLE;
	for (k = 0; k < m->n_params; k++)
		if (m->params[k].n_dims > 1 && want-- == 0)
			break;
	if (k == m->n_params)
		return 0;
	jparam_row(&m->params[k], (int64_t)(i * 7919) % m->params[k].shape[0], row);
	return row[(int64_t)(i * 104729) % m->params[k].shape[1]];
}

int
jadapter_mark_base(struct jadapter_mark *mark, const struct jmodel *m, struct jerr *e)
{
	int64_t widest = 1;
	uint64_t h = 0;
	float *row;

	for (size_t i = 0; i < m->n_params; i++) {
		int64_t cols = m->params[i].shape[m->params[i].n_dims > 1];

		widest = cols > widest ? cols : widest;
	}
	row = jmem_try((size_t)widest, sizeof(*row));
	if (!row)
		return jerr_set(e, JERR_NOMEM, "no memory for a row of the base");
	for (size_t i = 0; i < m->n_params; i++)
		h = print_of(&m->params[i], h, row);
	memset(mark, 0, sizeof(*mark));
	snprintf(mark->print, sizeof(mark->print), "%016llx", (unsigned long long)h);
	snprintf(mark->type, sizeof(mark->type), "%s", main_type(m));
	for (size_t i = 0; i < JADAPTER_SAMPLE; i++)
		mark->sample[i] = sample_of(m, i, row);
	jmem_free(row);
	return 0;
}

/* Distance of the samples as a share of the recorded one. */
static double
apart(const struct jadapter_mark *a, const struct jadapter_mark *b)
{
	double d = 0, all = 0;

	for (size_t i = 0; i < JADAPTER_SAMPLE; i++) {
		d += pow((double)a->sample[i] - b->sample[i], 2);
		all += pow(a->sample[i], 2);
	}
	return all > 0 ? sqrt(d / all) : 0;
}

int
adapter_check_base(const struct jadapter *a, const struct jmodel *m, struct jerr *e)
{
	struct jadapter_mark here;
	int type = jdtype_find(a->mark.type);
	double d;

	if (!a->mark.print[0] || jadapter_mark_base(&here, m, e) < 0)
		return e->code;
	if (strcmp(here.print, a->mark.print) == 0)
		return 0;
	d = apart(&a->mark, &here);
	/* Another type of the same weights is told by its types only where these round. */
	if (d < FAR && (strcmp(here.type, a->mark.type) != 0
		|| (type >= 0 && jdtype_is_block((enum jdtype)type))))
		return 0;
	return jerr_set(e, JERR_FORMAT, "adapter: it was trained on another base: in a sample the weights "
		"differ by %.2g of their size (fingerprint %s, here %s); 'jmodel convert --forget-base' "
		"makes a copy that takes any base of its shape", d, a->mark.print, here.print);
}

void
adapter_put_mark(const struct jadapter_mark *mark, struct jst_writer *w)
{
	char sample[JADAPTER_SAMPLE * 16];
	size_t n = 0;

	if (!mark->print[0])
		return;
	for (size_t i = 0; i < JADAPTER_SAMPLE; i++)
		n += (size_t)snprintf(sample + n, sizeof(sample) - n, "%s%.6g", i ? " " : "",
			(double)mark->sample[i]);
	jst_meta(w, "base_fingerprint", mark->print);
	jst_meta(w, "base_type", mark->type);
	jst_meta(w, "base_quantized", mark->quantized);
	jst_meta(w, "base_sample", sample);
}

/* A file without a mark, or with one that is not ours, is one that nothing is known of. */
void
adapter_get_mark(struct jadapter_mark *mark, const struct jst *s)
{
	const char *print = jst_metadata(s, "base_fingerprint"), *type = jst_metadata(s, "base_type");
	const char *quantized = jst_metadata(s, "base_quantized"), *at = jst_metadata(s, "base_sample");
	char one[32];
	double v;

	memset(mark, 0, sizeof(*mark));
	if (!print || !type || !at || strlen(print) != 16)
		return;
	for (size_t i = 0; i < JADAPTER_SAMPLE; i++) {
		size_t n = strcspn(at, " ");

		if (n == 0 || n >= sizeof(one))
			return;
		memcpy(one, at, n);
		one[n] = 0;
		if (jstr_to_double(one, &v) < 0 || !isfinite(v) || fabs(v) > FLT_MAX)
			return;
		mark->sample[i] = (float)v;
		at += n + (at[n] == ' ');
	}
	snprintf(mark->type, sizeof(mark->type), "%s", type);
	snprintf(mark->quantized, sizeof(mark->quantized), "%s", quantized ? quantized : "");
	snprintf(mark->print, sizeof(mark->print), "%s", print);
}
