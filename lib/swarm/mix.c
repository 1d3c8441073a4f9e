/* mix.c - the fixed-share mixture. */
#include <math.h>

#include "base/jmem.h"
#include "swarm/jsynth.h"

void
jmixture_init(struct jmixture *m, size_t n, double share)
{
	m->n = n;
	m->share = share;
	m->w = jmem_alloc(n ? n : 1, sizeof(*m->w));
	for (size_t i = 0; i < n; i++)
		m->w[i] = 1 / (double)n;
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
		m->w[i] = (1 - m->share) * m->w[i] / sum + m->share / (double)m->n;
	return top + log(sum);
}
