#include "swarm/trained.h"

#include <math.h>
#include <string.h>

#include "base/jmem.h"

void
trained_release(struct trained *t)
{
	weights_release(&t->w);
	nearest_release(&t->e);
}

bool
trained_embeds(const struct trained *t)
{
	return t->e.width > 0;
}

bool
strategy_uses(enum jroute_strategy s, int signal)
{
	static const bool uses[STRATEGIES][SIGNALS] = {
		[JROUTE_KEYWORD] = { [SIGNAL_KEYWORDS] = true },
		[JROUTE_TRAINED] = { [SIGNAL_WORDS] = true },
		[JROUTE_NEAREST] = { [SIGNAL_NEAREST] = true },
		[JROUTE_RIDGE] = { [SIGNAL_RIDGE] = true },
		[JROUTE_EMBEDDING] = { [SIGNAL_NEAREST] = true, [SIGNAL_RIDGE] = true },
		[JROUTE_HYBRID] = { true, true, true, true },
	};

	return uses[s][signal];
}

void
sight_init(struct sight *s, const struct trained *t)
{
	size_t classes = t->w.experts + 1;

	memset(s, 0, sizeof(*s));
	s->z = jmem_zalloc(classes, sizeof(*s->z));
	s->signal = jmem_zalloc(classes * SIGNALS, sizeof(*s->signal));
	s->near.cosine = jmem_zalloc(2 * classes, sizeof(*s->near.cosine));
	s->ridge = s->near.cosine + classes;
	s->near.example = jmem_zalloc(classes, sizeof(*s->near.example));
	s->turned = jmem_zalloc(t->e.width + 1, sizeof(*s->turned));
}

void
sight_release(struct sight *s)
{
	jmem_free(s->z);
	jmem_free(s->signal);
	jmem_free(s->near.cosine);
	jmem_free(s->near.example);
	jmem_free(s->turned);
}

/* ln of the experts' odds against nobody's, and of the best one's share. */
static void
see_odds(struct sight *s, const struct trained *t, size_t without)
{
	const double scale = t->mix[JROUTE_TRAINED][SIGNAL_WORDS];
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < t->w.experts; i++)
		if (i != without && s->z[i] > max)
			max = s->z[i];
	for (size_t i = 0; i < t->w.experts; i++)
		if (i != without)
			sum += exp(scale * (s->z[i] - max));
	s->looks[LOOKS_ODDS] = t->w.classes == t->w.experts ? 0 :
		scale * (max - s->z[t->w.experts]) + log(sum);
	s->looks[LOOKS_MARGIN] = -log(sum);
}

static void
see_vector(struct sight *s, const struct trained *t, const struct text_seen *q)
{
	size_t experts = t->w.experts;
	double best = -1;

	nearest_turn(&t->e, q->vector, s->turned);
	nearest_find(&t->e, s->turned, &s->near);
	nearest_ridge(&t->e, s->turned, s->ridge);
	for (size_t i = 0; i < experts; i++) {
		s->signal[i * SIGNALS + SIGNAL_NEAREST] = s->near.cosine[i];
		s->signal[i * SIGNALS + SIGNAL_RIDGE] = s->ridge[i];
		if (i != q->without && s->near.cosine[i] > best)
			best = s->near.cosine[i];
	}
	s->looks[LOOKS_NEAR] = best - (t->e.classes > experts ? s->near.cosine[experts] : 0);
}

void
sight_see(struct sight *s, const struct trained *t, const struct text_seen *q)
{
	weights_logits(&t->w, q->f, s->z);
	memset(s->signal, 0, t->w.experts * SIGNALS * sizeof(*s->signal));
	for (size_t i = 0; i < t->w.experts; i++) {
		s->signal[i * SIGNALS + SIGNAL_WORDS] = s->z[i];
		s->signal[i * SIGNALS + SIGNAL_KEYWORDS] = q->keyword[i];
	}
	s->looks[LOOKS_COVERAGE] = log(weights_coverage(&t->w, q->f, q->without) + 1e-3);
	see_odds(s, t, q->without);
	s->looks[LOOKS_NEAR] = 0;
	s->embeds = q->vector != NULL;
	if (s->embeds)
		see_vector(s, t, q);
	s->looks[LOOKS] = 1;
}

bool
sight_is_finite(const struct sight *s, const struct trained *t)
{
	for (size_t i = 0; i < t->w.experts * SIGNALS; i++)
		if (!isfinite(s->signal[i]))
			return false;
	for (int k = 0; k < LOOKS; k++)
		if (!isfinite(s->looks[k]))
			return false;
	return true;
}

void
sight_probabilities(const struct sight *s, const struct trained *t, enum jroute_strategy how,
	double *p)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < t->w.experts; i++) {
		p[i] = 0;
		for (int k = 0; k < SIGNALS; k++)
			p[i] += (double)t->mix[how][k] * s->signal[i * SIGNALS + (size_t)k];
		if (p[i] > max)
			max = p[i];
	}
	for (size_t i = 0; i < t->w.experts; i++)
		sum += p[i] = exp(p[i] - max);
	for (size_t i = 0; i < t->w.experts; i++)
		p[i] /= sum;
}

double
sight_acceptance(const struct sight *s, const struct trained *t)
{
	double sum = 0;

	for (int k = 0; k <= LOOKS; k++)
		sum += (double)t->looks[s->embeds][k] * s->looks[k];
	return 1 / (1 + exp(-sum));
}
