#include "score/jcompare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"

/* One bootstrap sample, and what is kept of all of them. */
struct draw {
	const struct jcompare *c;
	size_t *docs;			/* the drawn documents, group by group */
	size_t *begin;			/* [groups + 1] where each group's begin in docs */
	size_t *members;		/* the documents themselves, group by group */
	size_t *seeds;			/* [seeds] drawn */
	double *bpb;			/* [groups + 1, arms] of this draw */
};

static void
sort_by_group(struct draw *d)
{
	const struct jcompare *c = d->c;
	size_t at = 0;

	for (size_t g = 0; g < c->groups; g++) {
		d->begin[g] = at;
		for (size_t i = 0; i < c->docs; i++)
			if (c->group[i] == g)
				d->members[at++] = i;
	}
	d->begin[c->groups] = at;
}

/* Bits per byte of the drawn seeds and documents. */
static void
measure(struct draw *d, const size_t *docs)
{
	const struct jcompare *c = d->c;
	double *all = d->bpb + c->groups * c->arms, all_bytes = 0;
	const double unit = log(2) * (double)c->seeds;

	memset(all, 0, c->arms * sizeof(*all));
	for (size_t g = 0; g < c->groups; g++) {
		double *sum = d->bpb + g * c->arms, bytes = 0;

		memset(sum, 0, c->arms * sizeof(*sum));
		for (size_t i = d->begin[g]; i < d->begin[g + 1]; i++) {
			bytes += c->bytes[docs[i]];
			for (size_t s = 0; s < c->seeds; s++) {
				const double *nll = c->nll + (d->seeds[s] * c->docs + docs[i]) * c->arms;

				for (size_t a = 0; a < c->arms; a++)
					sum[a] += nll[a];
			}
		}
		for (size_t a = 0; a < c->arms; a++) {
			all[a] += sum[a];
			sum[a] = bytes > 0 ? sum[a] / bytes / unit : NAN;
		}
		all_bytes += bytes;
	}
	for (size_t a = 0; a < c->arms; a++)
		all[a] = all_bytes > 0 ? all[a] / all_bytes / unit : NAN;
}

static void
draw_again(struct draw *d, struct jrand *r)
{
	const struct jcompare *c = d->c;

	for (size_t s = 0; s < c->seeds; s++)
		d->seeds[s] = (size_t)jrand_below(r, c->seeds);
	for (size_t g = 0; g < c->groups; g++) {
		size_t from = d->begin[g], n = d->begin[g + 1] - from;

		for (size_t i = 0; i < n; i++)
			d->docs[from + i] = d->members[from + jrand_below(r, n)];
	}
	measure(d, d->docs);
}

static int
by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The 95 % in the middle of v. */
static void
middle(double *v, size_t n, double *low, double *high)
{
	qsort(v, n, sizeof(*v), by_number);
	*low = v[(size_t)(0.025 * (double)(n - 1) + 0.5)];
	*high = v[(size_t)(0.975 * (double)(n - 1) + 0.5)];
}

/* kept[draws, cells]: what was drawn; v[2 * draws]: room to sort in. */
static void
intervals(const struct jcompare *c, const double *kept, size_t draws, double *v,
	struct jcompare_figure *out)
{
	size_t cells = (c->groups + 1) * c->arms;

	for (size_t i = 0; i < cells; i++) {
		size_t reference = i / c->arms * c->arms + c->reference;

		out[i].diff = out[i].bpb - out[reference].bpb;
		for (size_t k = 0; k < draws; k++) {
			v[k] = kept[k * cells + i];
			v[draws + k] = kept[k * cells + i] - kept[k * cells + reference];
		}
		middle(v, draws, &out[i].low, &out[i].high);
		middle(v + draws, draws, &out[i].diff_low, &out[i].diff_high);
	}
}

void
jcompare_run(const struct jcompare *c, size_t draws, uint64_t seed, struct jcompare_figure *out)
{
	size_t cells = (c->groups + 1) * c->arms;
	struct draw d = { .c = c };
	double *kept = jmem_alloc(draws * cells + 1, sizeof(*kept));
	double *v = jmem_alloc(2 * draws + 1, sizeof(*v));
	struct jrand r;

	d.docs = jmem_alloc(2 * c->docs + 1, sizeof(*d.docs));
	d.members = d.docs + c->docs;
	d.begin = jmem_alloc(c->groups + 1, sizeof(*d.begin));
	d.seeds = jmem_alloc(c->seeds + 1, sizeof(*d.seeds));
	d.bpb = jmem_alloc(cells + 1, sizeof(*d.bpb));
	sort_by_group(&d);
	for (size_t s = 0; s < c->seeds; s++)
		d.seeds[s] = s;
	measure(&d, d.members);
	for (size_t i = 0; i < cells; i++)
		out[i].bpb = d.bpb[i];
	jrand_init(&r, seed, 0);
	for (size_t k = 0; k < draws; k++) {
		draw_again(&d, &r);
		memcpy(kept + k * cells, d.bpb, cells * sizeof(*kept));
	}
	if (draws)
		intervals(c, kept, draws, v, out);
	jmem_free(d.docs);
	jmem_free(d.begin);
	jmem_free(d.seeds);
	jmem_free(d.bpb);
	jmem_free(kept);
	jmem_free(v);
}
