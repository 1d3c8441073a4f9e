/* mix.c - the fixed-share mixture. */
#include <math.h>

#include "base/jmem.h"
#include "swarm/jsynth.h"

void
jmixture_init(struct jmixture *m, size_t n, double share)
{
	m->n = n;
	m->share = share;
	m->w = jmem_alloc(2 * n + 1, sizeof(*m->w));
	m->prior = m->w + n;
	for (size_t i = 0; i < n; i++)
		m->w[i] = m->prior[i] = 1 / (double)n;
}

void
jmixture_prior(struct jmixture *m, const double *score, double even)
{
	double sum = 0;

	for (size_t i = 0; i < m->n; i++)
		sum += score[i];
	for (size_t i = 0; sum > 0 && i < m->n; i++)
		m->w[i] = m->prior[i] = (1 - even) * score[i] / sum + even / (double)m->n;
}

void
jmixture_release(struct jmixture *m)
{
	jmem_free(m->w);
	m->w = NULL;
	m->n = 0;
}

double
jmixture_step(struct jmixture *m, const double *logp)
{
	double top = -INFINITY, sum = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->w[i] > 0 && logp[i] > top)
			top = logp[i];
	if (!(top > -INFINITY))
		return -INFINITY;	/* none expected it: nothing is learnt */
	for (size_t i = 0; i < m->n; i++) {
		m->w[i] *= exp(logp[i] - top);
		sum += m->w[i];
	}
	for (size_t i = 0; i < m->n; i++)
		m->w[i] = (1 - m->share) * m->w[i] / sum + m->share * m->prior[i];
	return top + log(sum);
}
