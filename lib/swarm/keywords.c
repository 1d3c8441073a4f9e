#include "swarm/keywords.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/jmatch.h"
#include "text/junicode.h"

struct listing {
	size_t keyword, expert;
};

struct keywords {
	struct jmatch *m;		/* NULL: no expert has any */
	size_t n, experts;
	const char **key;		/* distinct, sorted */
	double *weight;
	struct listing *of;		/* by keyword */
	size_t n_of;
	uint32_t *count;		/* [n], of the last text */
	double *sum;			/* [experts] */
	struct jbuf flat;
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t
number_of(const struct keywords *k, const char *key)
{
	const char **at = bsearch(&key, k->key, k->n, sizeof(*k->key), by_text);

	return (size_t)(at - k->key);
}

/* Distinct keywords of all experts, and who lists which (once, if a file says it twice). */
static void
gather(struct keywords *k, const struct jexperts *x)
{
	size_t all = 0, n = 0;

	for (size_t e = 0; e < x->n; e++)
		all += x->v[e].n_keywords;
	k->key = jmem_alloc(all + 1, sizeof(*k->key));
	k->of = jmem_alloc(all + 1, sizeof(*k->of));
	for (size_t e = 0; e < x->n; e++)
		for (size_t i = 0; i < x->v[e].n_keywords; i++)
			if (x->v[e].keywords[i][0])
				k->key[n++] = x->v[e].keywords[i];
	qsort(k->key, n, sizeof(*k->key), by_text);
	for (size_t i = 0; i < n; i++)
		if (k->n == 0 || strcmp(k->key[i], k->key[k->n - 1]) != 0)
			k->key[k->n++] = k->key[i];
	k->weight = jmem_zalloc(k->n + 1, sizeof(*k->weight));
	k->count = jmem_zalloc(k->n + 1, sizeof(*k->count));
	for (size_t e = 0; e < x->n; e++) {
		for (size_t i = 0; i < x->v[e].n_keywords; i++) {
			struct listing l = { number_of(k, x->v[e].keywords[i]), e };
			bool again = false;

			for (size_t j = 0; j < i && !again; j++)
				again = strcmp(x->v[e].keywords[i], x->v[e].keywords[j]) == 0;
			if (again || !x->v[e].keywords[i][0])
				continue;
			k->of[k->n_of++] = l;
			k->weight[l.keyword]++;
		}
	}
	for (size_t i = 0; i < k->n; i++)
		k->weight[i] = log(1 + (double)x->n / k->weight[i]);
}

int
keywords_new(struct keywords **out, const struct jexperts *x, struct jerr *e)
{
	struct keywords *k = jmem_zalloc(1, sizeof(*k));
	int rc = 0;

	k->experts = x->n;
	k->sum = jmem_zalloc(x->n + 1, sizeof(*k->sum));
	jbuf_init(&k->flat);
	gather(k, x);
	if (k->n > 0)
		rc = jmatch_new(&k->m, k->key, k->n, e);
	if (rc < 0) {
		keywords_free(k);
		k = NULL;
	}
	*out = k;
	return rc;
}

void
keywords_free(struct keywords *k)
{
	if (!k)
		return;
	if (k->m)
		jmatch_free(k->m);
	jmem_free(k->key);
	jmem_free(k->weight);
	jmem_free(k->of);
	jmem_free(k->count);
	jmem_free(k->sum);
	jbuf_release(&k->flat);
	jmem_free(k);
}

void
keywords_score(struct keywords *k, const char *text, size_t n, double *score)
{
	struct jerr e = { 0 };

	memset(k->count, 0, k->n * sizeof(*k->count));
	for (size_t i = 0; i < k->experts; i++)
		k->sum[i] = 0;
	jbuf_reset(&k->flat);
	if (k->m && jtext_flatten(text, n, &k->flat, &e) == 0)
		jmatch_count(k->m, k->flat.p, k->flat.n, k->count);
	for (size_t i = 0; i < k->n_of; i++)
		if (k->count[k->of[i].keyword])
			k->sum[k->of[i].expert] += k->weight[k->of[i].keyword];
	for (size_t i = 0; i < k->experts; i++)
		score[i] = 1 - exp(-k->sum[i] / 2);
}

void
keywords_found(const struct keywords *k, size_t expert, struct jbuf *out)
{
	size_t found = 0;

	for (size_t i = 0; i < k->n_of; i++)
		if (k->of[i].expert == expert && k->count[k->of[i].keyword])
			jbuf_printf(out, "%s%s", found++ ? ", " : "", k->key[k->of[i].keyword]);
}
